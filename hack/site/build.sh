#!/usr/bin/env bash
# Builds docs/ as a site with search in bin/docs. A link that leads nowhere fails the build. BASE is the path under which the
# site is served, by default /.
set -euo pipefail
cd "$(dirname "$0")"
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  npm ci --ignore-scripts --loglevel=error >/dev/null
  touch node_modules/.package-lock.json
fi
# The pages import Vue, which Node.js finds only from a folder next to node_modules.
rm -rf pages
mkdir pages
tar -C ../../docs -c --exclude='*.go' . | tar -C pages -x
log=$(mktemp)
trap 'rm -f "$log"' EXIT
node_modules/.bin/vitepress build . >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
echo "the site is in bin/docs: to read it, run \"cd hack/site && npx vitepress preview\""
