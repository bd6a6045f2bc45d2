#!/usr/bin/env bash
# hack/demo/expose.sh open <port>: serves the Ingresses of the cluster that KUBECONFIG names on this machine, in the background,
# until hack/demo/expose.sh close. Where Services cannot be reached from here, as with kind, the demo's frontend alone is
# forwarded, which passes on what is for the API.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/bin/k8s/current:$PATH
pid=bin/demo-door.pid log=bin/demo-door.log

close() {
  # The number may have come to another process since.
  if [[ -f $pid && $(ps -o args= -p "$(<"$pid")") =~ bin/ingress|port-forward ]]; then kill "$(<"$pid")"; fi
  rm -f "$pid"
}

# serve <what answers> <command>: runs it until it is closed, and says whether it answers.
serve() {
  local url=$1
  shift
  setsid "$@" >"$log" 2>&1 </dev/null &
  echo $! >"$pid"
  for _ in $(seq 50); do
    kill -0 "$!" 2>/dev/null || return 1
    if curl -sf -o /dev/null --max-time 2 "$url"; then return; fi
    sleep 0.2
  done
  return 1
}

case $1 in
open)
  close
  url=http://todo.localhost:$2/healthz
  go build -o bin/ingress ./hack/ingress
  serve "$url" bin/ingress -listen "127.0.0.1:$2" && exit
  close
  serve "$url" kubectl -n demo port-forward service/todo-frontend "$2:3000" && exit
  close
  echo "nothing answers at $url; is the port taken? Then try DEMO_PORT=8081 make demo" >&2
  cat "$log" >&2
  exit 1 ;;
close) close ;;
esac
