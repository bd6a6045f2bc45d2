#!/usr/bin/env bash
# Builds the image of the reference frontend, without Docker, and loads it into the cluster of KUBECONFIG: a kind cluster or
# the cluster of hack/cluster. Next.js builds only if the sources have changed.
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=$1 cluster=${CLUSTER:-bin/cluster/cluster}
frontend=examples/frontend stamp=bin/.built/frontend archive=bin/frontend.tar

hack/tools/build.sh cluster
$frontend/install.sh
sum=$({ node --version; git ls-files -co --exclude-standard $frontend | grep -v '/tests/' | sort | xargs sha256sum; } | sha256sum)
if [[ ! -f $archive || ! -f $stamp || $(<"$stamp") != "$sum" ]]; then
  started=$SECONDS
  printf 'building the frontend (about a minute) ... '
  log=$(mktemp)
  npm --prefix $frontend run build >"$log" 2>&1 || { echo failed; cat "$log"; exit 1; } >&2
  rm "$log"
  "$cluster" image -spec $frontend/image.yaml -tag "$tag" -out $archive
  echo "$sum" >"$stamp"
  echo "$((SECONDS - started)) s"
fi
hack/image.sh $archive
