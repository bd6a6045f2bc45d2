#!/usr/bin/env bash
# Installs the operator into the cluster that KUBECONFIG names, or brings it up to date, and waits until it serves.
# Arguments go to helm, such as --set=watchNamespaces={team-a}.
set -euo pipefail
cd "$(dirname "$0")/.."
kubectl=${KUBECTL:-bin/k8s/current/kubectl}

started=$SECONDS
printf 'installing the operator ... '
$kubectl apply --server-side -f config/manager/namespace.yaml >/dev/null
# The tag stays while the image changes: pods are replaced when the binary did.
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
