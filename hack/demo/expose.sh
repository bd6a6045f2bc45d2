#!/usr/bin/env bash
# Makes the demo's Ingress answer on this machine, in the background.
#
#   hack/demo/expose.sh open PORT   serves http://todo.localhost:PORT until it is closed
#   hack/demo/expose.sh close       stops serving
#
# hack/ingress serves every Ingress and HTTPRoute of the cluster. It reaches pods at the addresses of their Services or, if this
# machine has no route to them, as with kind, by port-forward.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/bin/k8s/current:$PATH CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
pid=bin/demo-expose.pid log=bin/demo-expose.log

close() {
  # The process may have ended, and its number may belong to another one.
  if [[ -f $pid && $(ps -o args= -p "$(<"$pid")") =~ bin/ingress ]]; then
    kill "$(<"$pid")"
    while kill -0 "$(<"$pid")" 2>/dev/null; do sleep 0.1; done
  fi
  rm -f "$pid"
}

# serve URL COMMAND: starts the command in the background and reports whether the URL answers within 20 seconds. It prints a dot
# for each try.
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

# open PORT: prints what it does, so that no wait is silent.
open() {
  local port=$1 url=http://todo.localhost:$1
  close
  if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "another program uses port $port: choose a free one, such as DEMO_PORT=8081 make demo" >&2
    exit 1
  fi
  printf 'serving the Ingresses of the cluster at %s ... ' "$url"
  go build -o bin/ingress ./hack/ingress
  if serve "$url/healthz" bin/ingress -listen "127.0.0.1:$port"; then
    echo "ready, $(grep -o 'through [a-z-]*' "$log")"
    return
  fi
  close
  echo failed
  echo "$url/healthz does not answer; this is the output of hack/ingress:" >&2
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
