#!/usr/bin/env bash
# Builds an image for the end-to-end tests, without Docker, and loads it into the cluster of KUBECONFIG: a kind cluster or
# the cluster of hack/cluster.
#
#   hack/e2e/image.sh NAME          the probe
#   hack/e2e/image.sh NAME SPEC     the image that a spec of hack/cluster describes; its path counts from the repository's root
#   hack/e2e/image.sh NAME "" FILE  a program that is built already
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=$1 spec=${2:-} program=${3:-} cluster=${CLUSTER:-bin/cluster/cluster} archive=bin/${1%:*}.tar

hack/tools/build.sh cluster
if [[ -n $spec ]]; then
  "$cluster" image -spec "$spec" -tag "$tag" -out "$archive"
else
  if [[ -z $program ]]; then
    program=bin/probe
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$program" ./hack/e2e/probe
  fi
  "$cluster" image -binary "$program" -tag "$tag" -out "$archive"
fi
hack/image.sh "$archive"
