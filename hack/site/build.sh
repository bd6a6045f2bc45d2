#!/usr/bin/env bash
# Builds docs/ as a site with search in bin/docs. A link that leads nowhere fails the build. BASE is the path under which the
# site is served, by default /.
set -euo pipefail
cd "$(dirname "$0")"
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  npm ci --ignore-scripts --loglevel=error >/dev/null
  touch node_modules/.package-lock.json
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
node_modules/.bin/vitepress build . >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
echo "the site is in bin/docs: serve it with \"npx --prefix hack/site vitepress preview hack/site\""
