#!/usr/bin/env bash
# Builds the API server of a version of Kubernetes from its Go module, and runs the tests that need an API server on it.
#
#   hack/compat.sh VERSION [GO-TEST-ARGUMENTS]    such as 1.31, which means its latest patch, or 1.31.2
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
version=${1:?give a version of Kubernetes, such as make compat VERSION=1.31}
shift
released=$(go list -m -versions k8s.io/kubernetes | tr ' ' '\n' | grep -E "^v${version//./\\.}(\.[0-9]+)?$" | sort -V | tail -1) || {
  echo "Kubernetes $version is not released" >&2
  exit 1
}
folder=$PWD/bin/compat/$released
hack/tools/build.sh envtest helm

if [[ ! -x $folder/kube-apiserver ]]; then
  echo "building the API server of Kubernetes $released (20 minutes on two cores) ..."
  started=$SECONDS
  mkdir -p "$folder/module"
  source=$(go mod download -json "k8s.io/kubernetes@$released" | sed -n 's/^.*"Dir": "\(.*\)".*/\1/p')
  # Kubernetes replaces its own modules by folders of its repository. Their released versions are the same.
  {
    printf 'module compat\n\ngo 1.22.0\n\nrequire k8s.io/kubernetes %s\n' "$released"
    sed -n 's#^\t\(k8s.io/[^ ]*\) => ./staging/.*#\1#p' "$source/go.mod" | sort -u | while read -r module; do
      printf 'replace %s => %s v0.%s\n' "$module" "$module" "${released#v1.}"
    done
  } >"$folder/module/go.mod"
  # Without the cloud providers that versions up to 1.30 contain, it compiles in a fraction of the time.
  go -C "$folder/module" build -mod=mod -tags providerless -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$released" \
    -o "$folder/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
  echo "built in $((SECONDS - started)) s"
fi
for program in etcd kubectl; do ln -sf "$PWD/bin/k8s/current/$program" "$folder/$program"; done

mapfile -t packages < <(git grep -lE '(testenv|envtest)\.' -- 'config/*.go' 'controllers/*.go' 'internal/*_test.go' 'webhook/*.go' | xargs -n1 dirname | sort -u | sed 's#^#./#')
echo "testing ${packages[*]} on Kubernetes $released"
KUBEBUILDER_ASSETS=$folder go test -count 1 "$@" "${packages[@]}"
