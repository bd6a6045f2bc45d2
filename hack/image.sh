#!/usr/bin/env bash
# Loads an image archive into the nodes of the cluster of KUBECONFIG, which is a kind cluster or the cluster of hack/cluster.
#
#   hack/image.sh ARCHIVE
set -euo pipefail
cd "$(dirname "$0")/.."
archive=$1 cluster=${CLUSTER:-bin/cluster/cluster}

read -r kind provider name < <(hack/kind/which.sh) || true
case $kind in
kind)
  echo "loading $archive into the kind cluster $name"
  KIND_EXPERIMENTAL_PROVIDER=$provider kind load image-archive "$archive" --name "$name" ;;
local)
  "$cluster" load "$archive" ;;
other)
  cat >&2 <<MESSAGE
hack/image.sh: the nodes of this cluster take images from a registry only. Push the image and install the chart with its name:
  skopeo copy docker-archive:$archive docker://registry.example.com/todoapp/todoapp-operator:dev
  bin/helm install todoapp-operator charts/todoapp-operator --namespace todoapp-system --create-namespace --wait \\
    --set image.repository=registry.example.com/todoapp/todoapp-operator,image.tag=dev
MESSAGE
  exit 1 ;;
*) exit 1 ;; # hack/kind/which.sh has said why
esac
