#!/usr/bin/env bash
# Prints which cluster KUBECONFIG names: "kind PROVIDER NAME", "local" for the cluster of hack/cluster, or "other". It asks the
# cluster itself, because a kind cluster or the local one may also run next to the cluster in use.
set -euo pipefail
cd "$(dirname "$0")/../.."
kubectl=${KUBECTL:-bin/k8s/current/kubectl} cluster=${CLUSTER:-bin/cluster/cluster}
if [[ -z ${KUBECTL:-} ]]; then hack/tools/build.sh kubectl >&2; fi

# A provider's ID is kind://PROVIDER/CLUSTER/NODE on the nodes of kind.
id=$($kubectl get nodes --request-timeout=10s -o jsonpath='{.items[0].spec.providerID}')
if [[ $id == kind://* ]]; then
  IFS=/ read -r _ _ provider name _ <<<"$id"
  echo "kind $provider $name"
  exit
fi
# The certificate authority identifies a cluster, also if its address is one that others use too.
authority=$($kubectl config view --raw --minify -o jsonpath='{.clusters[0].cluster.certificate-authority-data}')
if [[ -n $authority && -x $cluster ]] && "$cluster" kubeconfig 2>/dev/null | grep -qF "$authority"; then
  echo local
else
  echo other
fi
