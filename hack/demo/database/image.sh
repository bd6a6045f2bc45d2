#!/usr/bin/env bash
# Builds an image of PostgreSQL for the demo from Debian's package, without Docker, and loads it into the cluster of KUBECONFIG.
set -euo pipefail
cd "$(dirname "$0")/../../.."
tag=$1 cluster=${CLUSTER:-bin/cluster/cluster}
archive=bin/postgres.tar spec=bin/postgres.yaml

hack/tools/build.sh cluster
server() { find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -1; }
if [[ -z $(server) ]]; then
  echo "installing postgresql ..."
  # Debian's package would otherwise start a server on this machine.
  mkdir -p /etc/postgresql-common
  [[ -e /etc/postgresql-common/createcluster.conf ]] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postgresql; } >/dev/null
fi
bin=$(dirname "$(server)") version=$(basename "$(dirname "$(dirname "$(server)")")")
cat >"$spec" <<EOF
programs: [$bin/postgres, $bin/initdb, /usr/bin/dash, /usr/bin/rm, /usr/bin/mv]
copy:
  /bin/sh: /usr/bin/dash
  /usr/lib/postgresql/$version/lib: /usr/lib/postgresql/$version/lib
  /usr/share/postgresql/$version: /usr/share/postgresql/$version
  /etc/passwd: $PWD/hack/demo/database/passwd
env: {PATH: "$bin:/usr/bin:/bin"}
entrypoint: [/bin/sh]
EOF
"$cluster" image -spec "$spec" -tag "$tag" -out "$archive"
hack/image.sh "$archive"
