#!/usr/bin/env bash
# Builds the image and the chart of the previous release from its commit, and loads the image into the cluster of KUBECONFIG.
# The chart is in bin/previous/charts/todoapp-operator.
set -euo pipefail
cd "$(dirname "$0")/../.."
release=0.2.0 commit=825dadea14b8649666d0d03d7ba96406e0d6203a
folder=bin/previous

if [[ ! -f $folder/.commit || $(<"$folder/.commit") != "$commit" ]]; then
  git cat-file -e "$commit^{commit}" 2>/dev/null || {
    echo "this clone lacks the commit of release $release: run git fetch --unshallow" >&2
    exit 1
  }
  rm -rf "$folder" && mkdir -p "$folder"
  git archive "$commit" | tar -x -C "$folder"
  echo "building release $release (about 3 minutes the first time) ..."
  CGO_ENABLED=0 go -C "$folder" build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$release" -o todoapp-operator .
  echo "$commit" >"$folder/.commit"
fi
hack/e2e/image.sh todoapp-operator:previous "" "$folder/todoapp-operator"
