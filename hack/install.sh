#!/usr/bin/env bash
# Installs or upgrades the operator in the cluster of KUBECONFIG, and waits until it admits TodoApps.
# Passes its arguments to helm, such as --set=watchNamespaces={team-a}. IMG names the image; by default it is the one that
# "make load" puts into the nodes.
set -euo pipefail
cd "$(dirname "$0")/.."
kubectl=${KUBECTL:-bin/k8s/current/kubectl} image=${IMG:-todoapp-operator:dev}

started=$SECONDS
printf 'installing the operator ... '
$kubectl apply --server-side -f config/manager/namespace.yaml >/dev/null
# A rebuilt image has the same tag. The annotation changes with the binary, so that the Deployment replaces its pods.
sum=$(sha256sum bin/todoapp-operator 2>/dev/null | cut -c1-12) || sum=none
bin/helm --namespace todoapp-system upgrade --install todoapp-operator charts/todoapp-operator --wait --timeout 2m \
  --set-string="image.repository=${image%:*},image.tag=${image##*:}" --set-string="podAnnotations.todoapp\.dev/binary=$sum" \
  "$@" >/dev/null || {
  echo 'failed'
  $kubectl -n todoapp-system get pods -o wide
  $kubectl -n todoapp-system logs deployment/todoapp-operator --tail=20
  exit 1
}
echo "$((SECONDS - started)) s"

# Nodes learn the address of the webhook up to a second after its pods are ready. Until then every change of a TodoApp fails.
printf 'reaching the webhook ... '
until refusal=$($kubectl create --dry-run=server -f config/samples/todoapp.yaml 2>&1) || [[ $refusal == *AlreadyExists* ]]; do
  if ((SECONDS - started > 180)); then
    printf 'failed\n%s\n' "$refusal" >&2
    exit 1
  fi
  printf .
  sleep 0.5
done
echo 'admitted'
