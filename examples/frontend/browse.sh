#!/usr/bin/env bash
# Runs tests/browser.ts against a URL and writes screenshots into a folder: browse.sh URL FOLDER
#
# It installs Debian's Chromium if it is missing, and deletes the screenshots of an earlier run first.
set -euo pipefail
if [[ -z ${CHROMIUM:-} && ! -x /usr/bin/chromium ]]; then
  echo "installing chromium ..."
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; } >/dev/null
fi
mkdir -p "$2"
folder=$(cd "$2" && pwd)
rm -f "$folder"/*.png
cd "$(dirname "$0")"
./install.sh
exec node --import tsx tests/browser.ts "$1" "$folder"
