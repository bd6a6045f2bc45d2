#!/usr/bin/env bash
# Installs or upgrades the operator in the cluster of KUBECONFIG, and waits until its pods are ready.
# Passes its arguments to helm, such as --set=watchNamespaces={team-a}.
set -euo pipefail
cd "$(dirname "$0")/.."
kubectl=${KUBECTL:-bin/k8s/current/kubectl}

started=$SECONDS
printf 'installing the operator ... '
$kubectl apply --server-side -f config/manager/namespace.yaml >/dev/null
# The tag is always "dev". The annotation changes with the binary, so that the Deployment replaces its pods.
sum=$(sha256sum bin/todoapp-operator | cut -c1-12)
bin/helm --namespace todoapp-system upgrade --install todoapp-operator charts/todoapp-operator --wait --timeout 2m \
  --set=image.repository=todoapp-operator,image.tag=dev --set-string="podAnnotations.todoapp\.dev/binary=$sum" \
  "$@" >/dev/null || {
  echo 'failed'
  $kubectl -n todoapp-system get pods -o wide
  $kubectl -n todoapp-system logs deployment/todoapp-operator --tail=20
  exit 1
}
echo "$((SECONDS - started)) s"
