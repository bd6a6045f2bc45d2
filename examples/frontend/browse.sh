#!/usr/bin/env bash
# Runs a script of tests against a URL and writes screenshots into a folder: browse.sh SCRIPT URL FOLDER
#
# It installs Debian's Chromium if it is missing, and deletes the screenshots of an earlier run first.
set -euo pipefail
if [[ -z ${CHROMIUM:-} && ! -x /usr/bin/chromium ]]; then
  echo "installing chromium ..."
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends chromium; } >/dev/null
fi
mkdir -p "$3"
folder=$(cd "$3" && pwd)
rm -f "$folder"/*.png
cd "$(dirname "$0")"
./install.sh
exec node --import tsx "tests/$1.ts" "$2" "$folder"
