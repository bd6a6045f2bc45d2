#!/usr/bin/env bash
# Builds tools into bin/, each from the Go module that pins its version:
#
#   hack/tools/build.sh [controller-gen] [golangci-lint] [kubectl] [envtest] [kubernetes] [coredns] [cluster] [helm] [score]
#                    [actionlint] [sbom] [certmanager]
#
# Without arguments it builds all but the last three. "controller-gen" includes crd-ref-docs, and "envtest" is the part of
# kubernetes that tests against an API server need, with kubectl. A tool is built again if the checksum of its sources differs
# from the one in bin/.built.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$PWD/bin
mkdir -p "$bin/.built" "$bin/cluster"

pinned() { sed -n "s#^\(require\)\?[[:space:]]*$2 \(v[^ ]*\).*#\2#p" "hack/tools/$1/go.mod"; }
kubernetes=$(pinned kubernetes k8s.io/kubernetes)

# build OUTPUT MODULE PACKAGE TITLE [LINKER-FLAGS]: builds the package of a module folder into bin/OUTPUT.
build() {
  local output=$bin/$1 stamp=$bin/.built/${1//\//-} sum started=$SECONDS
  local sources=("$2/go.mod" "$2/go.sum")
  if [[ $3 == .* ]]; then sources=("$2"); fi # a program of this repository
  sum=$({ go env GOVERSION GOARCH; echo "$5"; find "${sources[@]}" -type f -exec sha256sum {} + | sort -k2; } | sha256sum)
  if [[ -x $output && -f $stamp && $(<"$stamp") == "$sum" ]]; then return; fi
  printf 'building %s ... ' "$4"
  CGO_ENABLED=0 go -C "$2" build -trimpath -buildvcs=false -ldflags "-s -w ${5:-}" -o "$output" "$3"
  echo "$sum" >"$stamp"
  echo "$((SECONDS - started)) s"
}

build_kubernetes() {
  local name=$1 took=$2
  build "k8s/$kubernetes/$name" hack/tools/kubernetes "k8s.io/kubernetes/cmd/$name" \
    "$name $kubernetes ($took the first time)" "-X k8s.io/component-base/version.gitVersion=$kubernetes"
}

build_envtest() {
  build "k8s/$kubernetes/etcd" hack/tools/kubernetes go.etcd.io/etcd/server/v3 \
    "etcd $(pinned kubernetes go.etcd.io/etcd/server/v3) (about 30 seconds the first time)" ""
  build_kubernetes kube-apiserver "about 5 minutes"
}

build_kubectl() {
  build_kubernetes kubectl "about 1 minute"
  ln -sfn "$kubernetes" "$bin/k8s/current"
}

for tool in "${@:-all}"; do
  case $tool in
  controller-gen | all)
    build controller-gen hack/tools sigs.k8s.io/controller-tools/cmd/controller-gen \
      "controller-gen $(pinned . sigs.k8s.io/controller-tools) (about 30 seconds the first time)" ""
    build crd-ref-docs hack/tools github.com/elastic/crd-ref-docs \
      "crd-ref-docs $(pinned . github.com/elastic/crd-ref-docs)" "" ;;&
  golangci-lint | all)
    build golangci-lint hack/tools/lint . \
      "golangci-lint $(pinned lint github.com/golangci/golangci-lint/v2) (about 3 minutes the first time)" "" ;;&
  envtest | kubernetes | all)
    build_envtest ;;&
  kubectl | envtest | kubernetes | all)
    build_kubectl ;;&
  kubernetes | all)
    build_kubernetes kube-controller-manager "about 2 minutes"
    build_kubernetes kube-scheduler "about 30 seconds"
    build_kubernetes kubelet "about 30 seconds"
    build_kubernetes kube-proxy "about 15 seconds" ;;&
  coredns | all)
    build coredns hack/tools/coredns . \
      "CoreDNS $(pinned coredns github.com/coredns/coredns) (about 1 minute the first time)" "" ;;&
  cluster | all)
    build cluster/pause hack/cluster ./pause "the pause program" ""
    build cluster/cluster hack/cluster . "the cluster supervisor (about 1 minute the first time)" "" ;;&
  helm | all)
    build helm hack/tools/helm helm.sh/helm/v4/cmd/helm \
      "helm $(pinned helm helm.sh/helm/v4) (about 1 minute the first time)" "-X helm.sh/helm/v4/internal/version.version=$(pinned helm helm.sh/helm/v4)"
    build helm-unittest hack/tools/helm github.com/helm-unittest/helm-unittest/cmd/helm-unittest "helm-unittest" ""
    build helm-docs hack/tools/helm github.com/norwoodj/helm-docs/cmd/helm-docs "helm-docs" "" ;;&
  score | all)
    build kube-score hack/tools/score github.com/zegl/kube-score/cmd/kube-score \
      "kube-score $(pinned score github.com/zegl/kube-score) (about 1 minute the first time)" "" ;;&
  actionlint) # only by name
    build actionlint hack/tools/actions github.com/rhysd/actionlint/cmd/actionlint \
      "actionlint $(pinned actions github.com/rhysd/actionlint) (about 15 seconds the first time)" "" ;;
  sbom) # only by name
    build cyclonedx-gomod hack/tools/sbom github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod \
      "cyclonedx-gomod $(pinned sbom github.com/CycloneDX/cyclonedx-gomod) (about 30 seconds the first time)" "" ;;
  certmanager) # only by name
    build certmanager hack/tools/certmanager . \
      "cert-manager $(pinned certmanager github.com/cert-manager/cert-manager) (about 4 minutes the first time)" "" ;;
  controller-gen | golangci-lint | kubectl | envtest | kubernetes | coredns | cluster | helm | score | all) ;;
  *)
    echo "unknown tool $tool: the first lines of $0 list all tools" >&2
    exit 2 ;;
  esac
done
