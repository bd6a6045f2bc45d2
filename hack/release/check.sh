#!/usr/bin/env bash
# Builds a release twice from sources in different folders, compares the artefacts, and installs them in the cluster of
# KUBECONFIG from a registry on this machine. The nodes of the cluster must reach the registry at this machine's loopback
# address, as those of hack/cluster do, and the cluster must have no TodoApps, because the check removes the CRD at its end.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
version=0.3.0-ci port=${RELEASE_PORT:-5055} folder=$PWD/bin/release

# Compiling kubectl-todoapp for all platforms takes minutes on a machine that has never done it. Two show both kinds of archives.
hack/tools/build.sh kubectl helm sbom
rm -rf "$folder" && mkdir -p "$folder/copy"
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$folder/copy"
ln -s ../.. "$folder/copy/bin"
go build -o "$folder/build" ./hack/release
for copy in first second; do
  root=.
  if [[ $copy == second ]]; then root=$folder/copy; fi
  "$folder/build" build -root "$root" -dist "$folder/$copy" -version "$version" -registry "localhost:$port/todoapp" \
    -plugin-platforms linux/amd64,windows/amd64 -revision "$(git rev-parse HEAD)" -created "$(git log -1 --format=%cI)"
done
diff "$folder/first/checksums.txt" "$folder/second/checksums.txt"
echo "two builds are the same, byte by byte"
RELEASE_DIST=$folder/first go test -tags e2e -count 1 -timeout 15m -run TestInstallsFromRegistries -v ./hack/release
