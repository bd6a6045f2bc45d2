SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMAGE ?= todoapp-operator:dev
# Without KUBECONFIG the targets use the local cluster, and start it if they need it.
ifeq ($(origin KUBECONFIG),undefined)
KUBECONFIG := $(CURDIR)/bin/cluster/kubeconfig
LOCAL := cluster-up
endif
CLUSTER ?= bin/cluster/cluster
CHART := charts/todoapp-operator
GENERATED := api config charts docs/reference.md
GO_FILES := $(shell find . \( -path ./bin -o -name node_modules \) -prune -o -name '*.go' -print)
export KUBECONFIG
# Programs, tests and linters share these flags, and thus the packages in the build cache.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath -buildvcs=false

.PHONY: help demo demo-down build test fuzz bench-operator lint generate verify e2e cluster-up cluster-down image sbom load \
	install uninstall kind-up kind-load kind-e2e kind-down release release-push release-e2e clean

##@ Try it

help: ## List all targets
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(LOCAL) install bin/kubectl-todoapp ## Start a cluster, install the operator and show it at work
	@hack/demo/run.sh

demo-down: ## Stop the demo's cluster and remove its data
	@hack/demo/expose.sh close
	@$(MAKE) -s cluster-down

##@ Develop

build: bin/todoapp-operator bin/kubectl-todoapp ## Build the operator and its kubectl plugin

bin/todoapp-operator: $(GO_FILES) go.mod go.sum $(wildcard internal/task/httpapi/*.json internal/task/httpapi/*.html)
	@started=$$SECONDS; echo "building the operator (about 3 minutes the first time) ..."; \
	go build -ldflags "-s -w -X main.version=$(VERSION)" -o $@ . ; \
	echo "built in $$((SECONDS - started)) s"

bin/kubectl-todoapp: $(GO_FILES) go.mod go.sum
	go build -tags plugin -ldflags "-s -w -X main.version=$(VERSION)" -o $@ . && ln -sf $(@F) bin/kubectl_complete-todoapp

test: ## Run all tests but the end-to-end tests; some use a real API server and PostgreSQL
	@hack/tools/build.sh envtest helm score
	bin/helm lint --strict --quiet --namespace todoapp-system $(CHART)
	bin/helm-unittest $(CHART)
	go test ./...
	go -C hack/cluster test -count 1 -run 'TestImageOf|TestDockerfile' .
	@examples/frontend/install.sh
	npm --prefix examples/frontend run --silent check
	npm --prefix examples/frontend --silent test

FUZZ ?= 1m
fuzz: ## Fuzz each target for FUZZ=1m; failing inputs are kept in testdata/fuzz
	@grep -rHo --include='*_test.go' --exclude-dir=bin --exclude-dir=node_modules '^func Fuzz[A-Za-z]*' . | sort | \
	while IFS=: read -r file test; do \
		echo "== $${test#func } of $${file%/*}"; \
		go test -run '^$$' -fuzz "^$${test#func }$$" -fuzztime $(FUZZ) "$${file%/*}"; \
	done

bench-operator: bin/todoapp-operator ## Count the operator's requests, and disturb it (4 minutes); fail if requests have grown
	@hack/tools/build.sh kubernetes
	@go run ./hack/bench/operator -short

lint: ## Lint the Go code and the shell scripts
	@hack/shellcheck.sh
	@hack/tools/build.sh golangci-lint
	bin/golangci-lint run ./...
	cd hack/cluster && ../../bin/golangci-lint run --config ../../.golangci.yml ./...

generate: ## Generate deep copies, the CRD, RBAC, the chart's copies of them, and the reference
	@hack/tools/build.sh controller-gen helm
	bin/controller-gen object paths=./api/...
	bin/controller-gen crd paths=./api/... output:crd:dir=config/crd
	@# What controller-gen admits and Go does not decode: exponents with a fraction (1e1.5), and the API server's lenient dates.
	sed -i -e 's/(\[eE\](\\+|-)?((\[0-9\]+(\\.\[0-9\]\*)?)|(\\.\[0-9\]+)))/([eE](\\+|-)?[0-9]{1,9})/' \
		-e 's/^\( \{12,\}\)format: date-time$$/\1maxLength: 64/' config/crd/todoapp.dev_todoapps.yaml
	bin/controller-gen rbac:roleName=todoapp-operator paths=./controllers/... paths=./internal/manager/... output:rbac:dir=config/rbac
	cd config && cp crd/todoapp.dev_todoapps.yaml rbac/role.yaml rbac/user_roles.yaml webhook/managedsecrets.yaml \
		webhook/validatingwebhookconfiguration.yaml ../$(CHART)/files/
	bin/crd-ref-docs --source-path=api --config=hack/tools/reference/config.yaml --templates-dir=hack/tools/reference \
		--renderer=markdown --output-path=docs/reference.md --log-level=ERROR
	bin/helm-docs --chart-search-root $(CHART) --log-level warning

verify: generate ## Fail if generated files or modules are stale
	go mod tidy
	git diff --exit-code -- $(GENERATED) go.mod go.sum
	@test -z "$$(git status --porcelain -- $(GENERATED))" || { git status --short -- $(GENERATED); exit 1; }

e2e: $(LOCAL) install ## Run the end-to-end tests on the cluster
	@hack/tools/build.sh certmanager
	go test -tags e2e -count 1 -timeout 40m -v ./hack/e2e

##@ Cluster

cluster-up: ## Start a single-node cluster on this machine, without Docker (root, Debian)
	@hack/tools/build.sh kubernetes coredns cluster
	@$(CLUSTER) -audit up

cluster-down: ## Stop that cluster and remove its data
	@hack/tools/build.sh cluster
	@$(CLUSTER) down

image: bin/todoapp-operator ## Build the operator's image, without Docker
	@hack/tools/build.sh cluster
	@$(CLUSTER) image -binary bin/todoapp-operator -tag $(IMAGE) -out bin/image.tar
	@size=$$(gzip -1 <bin/image.tar | wc -c); (( size < 45000000 )) || { echo "the image has $$size bytes, not < 45 MB" >&2; exit 1; }

sbom: bin/todoapp-operator ## List the modules of the binary as CycloneDX in bin/sbom.json
	@hack/tools/build.sh sbom
	bin/cyclonedx-gomod bin -json -version $(VERSION) -output bin/sbom.json bin/todoapp-operator

load: image ## Load the operator's image into the cluster
	@if command -v kind >/dev/null && kind get clusters 2>/dev/null | grep -qx todoapp; \
	then kind load image-archive bin/image.tar --name todoapp; else $(CLUSTER) load bin/image.tar; fi

install: load ## Install the operator into the cluster of KUBECONFIG
	@hack/tools/build.sh kubectl helm
	@hack/install.sh

uninstall: ## Remove the operator; every TodoApp stays and keeps working
	@hack/tools/build.sh helm
	bin/helm --namespace todoapp-system uninstall --ignore-not-found --wait todoapp-operator

kind-up: ## Start a kind cluster (needs Docker and kind)
	kind create cluster --name todoapp --config hack/kind/kind.yaml --kubeconfig $(KUBECONFIG)

kind-load: image ## Load the operator's image into the kind cluster
	kind load image-archive bin/image.tar --name todoapp

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

clean: ## Remove all build output
	rm -rf bin dist cover.out
