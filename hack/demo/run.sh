#!/usr/bin/env bash
# Shows the operator at work in the cluster of KUBECONFIG. It prints the commands, so that you can repeat them.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/bin/k8s/current:$PWD/bin:$PATH CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
namespace=demo
port=${DEMO_PORT:-8080}
url=http://todo.localhost:$port
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*" && "$@"; }
fail() { echo "demo: $*" >&2; exit 1; }

# expect STATUS TITLE CURL-ARGUMENTS: sends one request, prints the answer, and fails if its status is not the expected one.
expect() {
  local wanted=$1 title=$2 status
  shift 2
  status=$(curl -sS -o "$work/answer" -w '%{http_code}' --max-time 10 "$@")
  printf '  %-46s %s  %s\n' "$title" "$status" "$(head -c 150 "$work/answer")"
  [[ $status == "$wanted" ]] || fail "the status is $status, expected $wanted"
}

say "Build the images: a Next.js frontend with Better Auth, and PostgreSQL for its users"
examples/frontend/image.sh todoapp-frontend:dev
hack/demo/database/image.sh todoapp-postgres:dev
kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace" >/dev/null
kubectl label --overwrite namespace "$namespace" pod-security.kubernetes.io/enforce=restricted >/dev/null
if ! kubectl -n "$namespace" get secret users >/dev/null 2>&1; then
  head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$work/password"
  printf 'postgres://frontend:%s@users:5432/postgres' "$(<"$work/password")" >"$work/url"
  kubectl -n "$namespace" create secret generic users --from-file="$work/password" --from-file="DATABASE_URL=$work/url" >/dev/null
fi
kubectl -n "$namespace" apply -f hack/demo/database/database.yaml >/dev/null
kubectl -n "$namespace" rollout status deployment/users --timeout=120s >/dev/null

say "Apply a TodoApp: the operator starts the frontend and the API"
echo '$ kubectl apply -f config/samples/frontend-and-api.yaml'
sed "s/:8080/:$port/" config/samples/frontend-and-api.yaml | kubectl -n "$namespace" apply -f -
started=$SECONDS
show kubectl -n "$namespace" wait --for=condition=Ready todoapp/todo --timeout=180s
echo "  ready after $((SECONDS - started)) s"
show kubectl -n "$namespace" get todoapp -o wide

say "Frontend and backend have the same key, each in its own Secret (no value is printed)"
kubectl -n "$namespace" get secrets -l todoapp.dev/app=todo \
  -o custom-columns='SECRET:.metadata.name,FOR:.metadata.labels.todoapp\.dev/component,KEY VERSIONS:.metadata.annotations.todoapp\.dev/keys'

say "The API accepts tokens signed with that key, and only for the user's own tasks"
hack/demo/expose.sh open "$port"
for user in alice bob; do
  kubectl todoapp token todo -n "$namespace" --subject "$user" >"$work/$user"
  printf 'header = "Authorization: Bearer %s"\n' "$(<"$work/$user")" >"$work/$user.curl"
done
expect 201 "alice adds a task" -K "$work/alice.curl" -H 'Content-Type: application/json' \
  -d '{"title":"Water the plants"}' "$url/api/alice/tasks"
expect 200 "alice lists her tasks" -K "$work/alice.curl" "$url/api/alice/tasks?limit=1"
expect 403 "bob asks for alice's tasks" -K "$work/bob.curl" "$url/api/alice/tasks"
expect 401 "a request without a token asks for them" "$url/api/alice/tasks"

say "The webhook rejects Secrets that do not match"
printf '$ kubectl apply -f - # a TodoApp whose two Secrets contain different values\n'
for component in frontend backend; do
  head -c 24 /dev/urandom | base64 | tr -d '\n' >"$work/$component"
  kubectl -n "$namespace" create secret generic "by-hand-$component" --from-file="BETTER_AUTH_SECRET=$work/$component" \
    --dry-run=client -o yaml | kubectl -n "$namespace" apply -f - >/dev/null
  kubectl -n "$namespace" annotate --overwrite secret "by-hand-$component" todoapp.dev/adopt=mismatched >/dev/null
done
if kubectl -n "$namespace" apply -f - 2>"$work/refusal" <<EOF
apiVersion: todoapp.dev/v1alpha1
kind: TodoApp
metadata: {name: mismatched}
spec:
  frontend: {secretRef: {name: by-hand-frontend}}
  backend: {secretRef: {name: by-hand-backend}}
EOF
then fail "the webhook accepted a TodoApp with mismatched Secrets"; fi
cat "$work/refusal"
kubectl -n "$namespace" delete secret by-hand-frontend by-hand-backend >/dev/null

case $(hack/kind/which.sh) in
"kind "*" todoapp") down="deletes the kind cluster todoapp" ;;
local) down="stops the cluster and removes it" ;;
*) down="deletes the namespace $namespace; the operator stays" ;;
esac
say "Try it yourself"
cat <<EOF
  export KUBECONFIG=$KUBECONFIG PATH=\$PWD/bin/k8s/current:\$PWD/bin:\$PATH
  kubectl todoapp status todo -n $namespace         # keys, rotation, pods, problems
  kubectl -n $namespace describe todoapp todo      # conditions, keys, events
  kubectl explain todoapp.spec.auth               # the reference
  kubectl -n $namespace port-forward service/todo-backend 8000        # then open http://localhost:8000/docs
  kubectl todoapp token todo -n $namespace --subject alice              # prints a token for the API

  make demo-down                                  # $down

Sign up, add tasks, and rotate the key while you work:

  kubectl todoapp rotate todo -n $namespace --wait

  $(printf '\033[1m%s\033[0m' "$url")
EOF
