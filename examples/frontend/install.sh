#!/usr/bin/env bash
# Installs the packages that package-lock.json pins, and Debian's Node.js if it is missing. Does nothing if both are there.
set -euo pipefail
cd "$(dirname "$0")"
if [[ ! -x /usr/bin/node ]] || ! command -v npm >/dev/null; then
  echo "installing nodejs and npm ..."
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nodejs npm; } >/dev/null
fi
/usr/bin/node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || {
  echo "the frontend needs Node.js 20 or later: /usr/bin/node is $(/usr/bin/node --version)" >&2
  exit 1
}
if command -v flock >/dev/null; then exec 9<package-lock.json; flock 9; fi # tests that run in parallel install once
if [[ node_modules/.package-lock.json -nt package-lock.json ]]; then exit; fi
started=$SECONDS
printf 'installing the packages of the frontend (about a minute the first time) ... '
npm ci --loglevel=error >/dev/null
touch node_modules/.package-lock.json
echo "$((SECONDS - started)) s"
