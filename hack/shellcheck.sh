#!/usr/bin/env bash
# Checks all shell scripts of the repository with shellcheck, and installs Debian's package of it if it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null; then
  echo "installing shellcheck ..."
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends shellcheck; } >/dev/null
fi
mapfile -t scripts < <(git grep -lE '^#!.*\b(ba)?sh\b')
shellcheck "${scripts[@]}"
