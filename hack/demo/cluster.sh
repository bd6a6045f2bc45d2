#!/usr/bin/env bash
# Starts or removes the cluster of the demo.
#
#   hack/demo/cluster.sh up     kind if a Docker engine answers and kind is installed, else the cluster of hack/cluster
#   hack/demo/cluster.sh down   removes what the demo made in the cluster of KUBECONFIG: a cluster that make started, or the namespace
set -euo pipefail
cd "$(dirname "$0")/../.."

up() {
  if "${CLUSTER:-bin/cluster/cluster}" status >/dev/null 2>&1; then
    make -s cluster-up # it runs already
  elif command -v kind >/dev/null && command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    echo "a Docker engine answers: using kind"
    make -s kind-up
  else
    echo "no Docker engine with kind: building a cluster on this machine"
    make -s cluster-up
  fi
}

down() {
  local found
  hack/demo/expose.sh close
  found=$(hack/kind/which.sh 2>/dev/null) || found=none
  case $found in
  "kind "*" todoapp")
    echo "deleting the kind cluster todoapp"
    make -s kind-down ;;
  local | none)
    echo "stopping the cluster of this machine"
    make -s cluster-down ;;
  *)
    echo "deleting the namespace demo; the cluster stays, and the operator until make uninstall"
    "${KUBECTL:-bin/k8s/current/kubectl}" delete namespace demo --ignore-not-found ;;
  esac
}

case ${1:-} in
up | down) "$1" ;;
*)
  echo "usage: $0 up | down" >&2
  exit 2 ;;
esac
