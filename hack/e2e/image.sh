#!/usr/bin/env bash
# Builds an image of the end-to-end tests, without Docker, and makes it available to the pods of the cluster that
# KUBECONFIG names: a kind cluster, or the one of hack/cluster.
#
#   hack/e2e/image.sh NAME          the probe
#   hack/e2e/image.sh NAME SPEC     what a spec of hack/cluster says; its path counts from the root of the repository
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=$1 spec=${2:-} cluster=${CLUSTER:-bin/cluster/cluster} archive=bin/${1%:*}.tar

hack/tools/build.sh cluster
if [[ -n $spec ]]; then
  "$cluster" image -spec "$spec" -tag "$tag" -out "$archive"
else
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o bin/probe ./hack/e2e/probe
  "$cluster" image -binary bin/probe -tag "$tag" -out "$archive"
fi
if command -v kind >/dev/null && kind get clusters 2>/dev/null | grep -qx todoapp; then
  kind load image-archive "$archive" --name todoapp
else
  "$cluster" load "$archive"
fi
