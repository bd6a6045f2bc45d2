#!/usr/bin/env bash
# Makes the demo's Ingress answer on this machine, in the background.
#
#   hack/demo/expose.sh open PORT   serves http://todo.localhost:PORT until it is closed
#   hack/demo/expose.sh close       stops serving
#
# If this machine reaches the cluster's Services, hack/ingress serves every Ingress of the cluster. Otherwise, as with kind,
# kubectl forwards the port of the demo's frontend, which passes requests for the API on.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/bin/k8s/current:$PATH CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
pid=bin/demo-expose.pid log=bin/demo-expose.log

close() {
  # The process may have ended, and its number may belong to another one.
  if [[ -f $pid && $(ps -o args= -p "$(<"$pid")") =~ bin/ingress|port-forward ]]; then
    kill "$(<"$pid")"
    while kill -0 "$(<"$pid")" 2>/dev/null; do sleep 0.1; done
  fi
  rm -f "$pid"
}

# services_reachable reports within 2 seconds whether the frontend's Service answers at its cluster address.
services_reachable() {
  local address
  address=$(kubectl -n demo get service todo-frontend -o jsonpath='{.spec.clusterIP}:{.spec.ports[0].port}')
  curl -sf --noproxy '*' -o /dev/null --max-time 2 "http://$address/healthz"
}

# serve URL COMMAND: starts the command in the background and reports whether the URL answers within 20 seconds.
serve() {
  local url=$1 end=$((SECONDS + 20))
  shift
  setsid "$@" >"$log" 2>&1 </dev/null &
  echo $! >"$pid"
  while ((SECONDS < end)); do
    kill -0 "$!" 2>/dev/null || return 1
    if curl -sf --noproxy '*' -o /dev/null --max-time 2 "$url"; then return; fi
    printf .
    sleep 0.2
  done
  return 1
}

# open PORT: prints what it tries, so that no wait is silent.
open() {
  local port=$1 url=http://todo.localhost:$1/healthz command
  close
  if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "another program uses port $port: choose a free one, such as DEMO_PORT=8081 make demo" >&2
    exit 1
  fi
  printf 'reaching the Services of the cluster ... '
  if services_reachable; then
    printf 'yes\nserving its Ingresses at http://todo.localhost:%s ... ' "$port"
    go build -o bin/ingress ./hack/ingress
    command=(bin/ingress -listen "127.0.0.1:$port")
  else
    printf 'no\nforwarding http://todo.localhost:%s to the frontend ... ' "$port"
    command=(kubectl -n demo port-forward service/todo-frontend "$port:3000")
  fi
  if serve "$url" "${command[@]}"; then
    echo ready
    return
  fi
  close
  echo failed
  echo "$url does not answer; this is the output of ${command[*]}:" >&2
  cat "$log" >&2
  exit 1
}

case ${1:-} in
open) open "$2" ;;
close) close ;;
*)
  echo "usage: $0 open PORT | close" >&2
  exit 2 ;;
esac
