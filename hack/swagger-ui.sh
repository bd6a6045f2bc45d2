#!/usr/bin/env bash
# Copies the files of Swagger UI that the task API embeds from the npm package that package-lock.json pins, and compresses
# the large ones. npm checks the integrity of the package. Files that are equal already stay as they are, so the result
# does not depend on the version of gzip.
set -euo pipefail
cd "$(dirname "$0")/../internal/task/httpapi/swagger-ui"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp package.json package-lock.json "$work"
npm --prefix "$work" ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
package=$work/node_modules/swagger-ui-dist
for name in swagger-ui.css swagger-ui-bundle.js; do
  gzip -dc $name.gz 2>/dev/null | cmp -s - "$package/$name" || gzip -9n <"$package/$name" >$name.gz
done
cp "$package"/{LICENSE,NOTICE} .
cp "$package/swagger-ui-bundle.js.LICENSE.txt" LICENSE.swagger-ui-bundle.txt
