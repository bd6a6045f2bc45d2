#!/usr/bin/env bash
# Runs all tests but the end-to-end tests: of the chart, of the Go code and of the reference frontend.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
chart=charts/todoapp-operator

hack/tools/build.sh envtest helm score
bin/helm lint --strict --quiet --namespace todoapp-system $chart
bin/helm-unittest $chart
go test ./...
# The race detector needs cgo. Only the tests of the group commit run: others would wait for volumes and servers.
CGO_ENABLED=1 go test -race -run 'Group|Writer|Writes|Commit|Purging' ./internal/task/sqlstore
go -C hack/cluster test -count 1 -run 'TestImageOf|TestDockerfile' .
examples/frontend/install.sh
npm --prefix examples/frontend run --silent check
npm --prefix examples/frontend --silent test
