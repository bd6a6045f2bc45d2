SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMG ?= todoapp-operator:dev
# Without KUBECONFIG the targets use the local cluster, and start it if they need it.
ifeq ($(origin KUBECONFIG),undefined)
KUBECONFIG := $(CURDIR)/bin/cluster/kubeconfig
LOCAL := cluster-up
endif
CLUSTER ?= bin/cluster/cluster
CHART := charts/todoapp-operator
GENERATED := api config charts docs/reference.md internal/task/httpapi/swagger-ui
GO_FILES := $(shell find . \( -path ./bin -o -name node_modules \) -prune -o -name '*.go' -print)
export KUBECONFIG IMG
# Programs, tests and linters share these flags, and thus the packages in the build cache.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath -buildvcs=false

# Every target with a description is a command, not a file.
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*\#\# .*/\1/p' Makefile) demo-cluster

##@ Try it

help: ## List all targets
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(LOCAL:cluster-up=demo-cluster) install bin/kubectl-todoapp ## Start a cluster (kind if Docker runs) and show the operator
	@hack/demo/run.sh
demo-cluster:
	@hack/demo/cluster.sh up
demo-down: ## Remove what the demo made: the cluster if make started it, or its namespace
	@hack/demo/cluster.sh down

##@ Develop

build: bin/todoapp-operator bin/kubectl-todoapp ## Build the operator and its kubectl plugin
bin/todoapp-operator: $(GO_FILES) go.mod go.sum $(wildcard internal/task/httpapi/*.json internal/task/httpapi/swagger-ui/*)
	@started=$$SECONDS; echo "building the operator (about 3 minutes the first time) ..."; \
	go build -ldflags "-s -w -X main.version=$(VERSION)" -o $@ . ; \
	echo "built in $$((SECONDS - started)) s"
bin/kubectl-todoapp: $(GO_FILES) go.mod go.sum
	go build -tags plugin -ldflags "-s -w -X main.version=$(VERSION)" -o $@ . && ln -sf $(@F) bin/kubectl_complete-todoapp

test: ## Run all tests but the end-to-end tests; some use a real API server and PostgreSQL
	@hack/test.sh

compat: ## Run the tests that need an API server on another version of Kubernetes: VERSION=1.31
	@hack/compat.sh $(VERSION)

FUZZ ?= 1m
fuzz: ## Fuzz each target for FUZZ=1m; failing inputs are kept in testdata/fuzz
	@hack/fuzz.sh $(FUZZ)

bench-operator: bin/todoapp-operator ## Count the operator's requests, and disturb it (4 minutes); fail if requests have grown
	@hack/tools/build.sh kubernetes
	@go run ./hack/bench/operator -short

lint: ## Lint the Go code, the shell scripts and the workflows
	@hack/shellcheck.sh
	@hack/tools/build.sh golangci-lint actionlint
	bin/actionlint
	bin/golangci-lint run ./...
	cd hack/cluster && ../../bin/golangci-lint run --config ../../.golangci.yml ./...

docs: ## Build the documentation as a site with search into bin/docs; dead links fail it (needs Node.js)
	@hack/site/build.sh
generate: ## Generate deep copies, the CRD, RBAC, the chart's copies of them, the reference, and copies of npm packages
	@hack/generate.sh

verify: generate ## Fail if generated files or modules are stale
	go mod tidy
	git diff --exit-code -- $(GENERATED) go.mod go.sum
	@test -z "$$(git status --porcelain -- $(GENERATED))" || { git status --short -- $(GENERATED); exit 1; }

e2e: $(LOCAL) install ## Run the end-to-end tests on the cluster, or some: RUN=TestIngress
	@hack/tools/build.sh certmanager
	go test -tags e2e -count 1 -timeout 40m -v $(RUN:%=-run '%') ./hack/e2e

##@ Cluster

cluster-up: ## Start a single-node cluster on this machine, without Docker (root, Debian)
	@hack/tools/build.sh kubernetes coredns cluster
	@$(CLUSTER) -audit up
cluster-down: ## Stop that cluster and remove its data
	@hack/tools/build.sh cluster
	@$(CLUSTER) down

image: bin/todoapp-operator ## Build the operator's image, without Docker
	@hack/tools/build.sh cluster
	@$(CLUSTER) image -binary bin/todoapp-operator -tag $(IMG) -out bin/image.tar
	@size=$$(gzip -1 <bin/image.tar | wc -c); (( size < 45000000 )) || { echo "the image has $$size bytes, not < 45 MB" >&2; exit 1; }

sbom: bin/todoapp-operator ## List the modules of the binary as CycloneDX in bin/sbom.json
	@hack/tools/build.sh sbom
	bin/cyclonedx-gomod bin -json -version $(VERSION) -output bin/sbom.json bin/todoapp-operator

load: image ## Load the operator's image into the cluster
	@hack/image.sh bin/image.tar
install: load ## Install the operator into the cluster of KUBECONFIG
	@hack/tools/build.sh kubectl helm
	@hack/install.sh
uninstall: ## Remove the operator; every TodoApp stays and keeps working
	@hack/tools/build.sh helm
	bin/helm --namespace todoapp-system uninstall --ignore-not-found --wait todoapp-operator

kind-up: ## Start a kind cluster, or find it running (needs Docker and kind); KIND_IMAGE=kindest/node:v1.34.0 chooses a version
	@mkdir -p bin/cluster
	@kind get clusters 2>/dev/null | grep -qx todoapp || \
		kind create cluster --name todoapp --config hack/kind/kind.yaml $(KIND_IMAGE:%=--image %)
	@kind export kubeconfig --name todoapp
kind-load: load ## The same as load
kind-e2e: ## Run the end-to-end tests on the kind cluster, without the check of audit logs
	$(MAKE) e2e KUBECONFIG=$(KUBECONFIG) E2E_AUDIT_LOG=none
kind-down: ## Delete the kind cluster
	kind delete cluster --name todoapp

##@ Release

DIST ?= dist
release: ## Build a release into dist: VERSION=0.3.0 REGISTRY=registry.example.com/todoapp
	@hack/tools/build.sh helm sbom
	@go run ./hack/release build -version "$(VERSION)" -registry "$(REGISTRY)" -dist "$(DIST)" \
		-revision "$$(git rev-parse HEAD)" -created "$$(git log -1 --format=%cI)"
release-push: ## Push the image, the chart and the list of modules of dist to the registry
	@go run ./hack/release push -dist "$(DIST)"
release-e2e: $(LOCAL) ## Build a release twice, push it to a registry on this machine, and install it in the cluster
	@hack/release/check.sh

##@ Names that kubebuilder has

manifests: generate ## The same as generate
undeploy: uninstall ## The same as uninstall
run: ## Run the manager on this machine for the cluster of KUBECONFIG, without admission; task APIs run the image IMG
	go run . manager --webhook=false --namespace=todoapp-system --task-api-image=$(IMG)
docker-build: ## Build the image IMG with Docker, for the platform of this machine
	docker build --build-arg VERSION=$(VERSION) --tag $(IMG) .
docker-push: ## Push the image IMG with Docker
	docker push $(IMG)
deploy: ## Install the operator with the image IMG, which the nodes can pull; make install also builds and loads an image
	@hack/tools/build.sh kubectl helm
	@hack/install.sh
build-installer: ## Write dist/install.yaml, which installs the operator with the image IMG
	@hack/tools/build.sh helm
	@mkdir -p $(DIST) && { cat config/manager/namespace.yaml; bin/helm template todoapp-operator $(CHART) --no-hooks \
		--namespace todoapp-system --set-string "image.repository=$${IMG%:*},image.tag=$${IMG##*:}"; } >$(DIST)/install.yaml

clean: ## Remove all build output
	rm -rf bin dist cover.out
