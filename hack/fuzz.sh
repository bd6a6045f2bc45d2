#!/usr/bin/env bash
# Fuzzes each target for a time, such as 1m. Inputs that fail are kept in testdata/fuzz.
#
#   hack/fuzz.sh TIME
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
grep -rHo --include='*_test.go' --exclude-dir=bin --exclude-dir=node_modules '^func Fuzz[A-Za-z]*' . | sort |
while IFS=: read -r file test; do
  echo "== ${test#func } of ${file%/*}"
  go test -run '^$' -fuzz "^${test#func }\$" -fuzztime "$1" "${file%/*}"
done
