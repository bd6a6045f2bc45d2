SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMAGE ?= todoapp-operator:dev
# Without a KUBECONFIG of the user's, everything happens on the local cluster, which is started where it is needed.
ifeq ($(origin KUBECONFIG),undefined)
KUBECONFIG := $(CURDIR)/bin/cluster/kubeconfig
LOCAL := cluster-up
endif
CLUSTER ?= bin/cluster/cluster
CHART := charts/todoapp-operator
GENERATED := api config charts docs/reference.md
GO_FILES := $(shell find . \( -path ./bin -o -name node_modules \) -prune -o -name '*.go' -print)
export KUBECONFIG
# One way to compile for programs, tests and linters: what one of them compiled, the others find in the cache.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath -buildvcs=false

##@ Try it

.PHONY: help
help: ## Show what there is
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(LOCAL) install ## Start a cluster, install the operator and see it work
	@hack/demo/run.sh

.PHONY: demo-down
demo-down: ## Stop the demo's cluster and remove all that it left
	@hack/demo/expose.sh close
	@$(MAKE) -s cluster-down

##@ Develop

.PHONY: build
build: bin/todoapp-operator ## Build the operator

bin/todoapp-operator: $(GO_FILES) go.mod go.sum $(wildcard internal/task/httpapi/*.json internal/task/httpapi/*.html)
	@started=$$SECONDS; echo "building the operator (about 3 minutes the first time) ..."; \
	go build -ldflags "-s -w -X main.version=$(VERSION)" -o $@ . ; \
	echo "built in $$((SECONDS - started)) s"

.PHONY: test
test: ## Run the unit tests, those against a real API server and PostgreSQL, the chart's and the frontend's
	@hack/tools/build.sh envtest helm score
	bin/helm lint --strict --quiet --namespace todoapp-system $(CHART)
	bin/helm-unittest $(CHART)
	go test ./...
	go -C hack/cluster test -count 1 -run 'TestImageOf|TestDockerfile' .
	@examples/frontend/install.sh
	npm --prefix examples/frontend run --silent check
	npm --prefix examples/frontend --silent test

FUZZ ?= 1m
.PHONY: fuzz
fuzz: ## Look for inputs that break a rule, FUZZ=1m for each test; what breaks one is kept in testdata/fuzz
	@grep -rHo --include='*_test.go' --exclude-dir=bin --exclude-dir=node_modules '^func Fuzz[A-Za-z]*' . | sort | \
	while IFS=: read -r file test; do \
		echo "== $${test#func } of $${file%/*}"; \
		go test -run '^$$' -fuzz "^$${test#func }$$" -fuzztime $(FUZZ) "$${file%/*}"; \
	done

.PHONY: lint
lint: ## Lint all Go code
	@hack/tools/build.sh golangci-lint
	bin/golangci-lint run ./...
	cd hack/cluster && ../../bin/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: generate
generate: ## Generate deep copies, the CRD and the RBAC from the code, and the chart's copies and reference
	@hack/tools/build.sh controller-gen helm
	bin/controller-gen object paths=./api/...
	bin/controller-gen crd paths=./api/... output:crd:dir=config/crd
	@# controller-gen's pattern of quantities admits fractions in exponents, such as 1e1.5, which do not decode.
	sed -i 's/(\[eE\](\\+|-)?((\[0-9\]+(\\\.\[0-9\]\*)?)|(\\\.\[0-9\]+)))/([eE](\\+|-)?[0-9]{1,9})/' config/crd/todoapp.dev_todoapps.yaml
	bin/controller-gen rbac:roleName=todoapp-operator paths=./controllers/... paths=./internal/manager/... output:rbac:dir=config/rbac
	cd config && cp crd/todoapp.dev_todoapps.yaml rbac/role.yaml rbac/user_roles.yaml webhook/managedsecrets.yaml \
		webhook/validatingwebhookconfiguration.yaml ../$(CHART)/files/
	bin/crd-ref-docs --source-path=api --config=hack/tools/reference/config.yaml --templates-dir=hack/tools/reference \
		--renderer=markdown --output-path=docs/reference.md --log-level=ERROR
	bin/helm-docs --chart-search-root $(CHART) --log-level warning

.PHONY: verify
verify: generate ## Fail where generated files or modules are stale
	go mod tidy
	git diff --exit-code -- $(GENERATED) go.mod go.sum
	@test -z "$$(git status --porcelain -- $(GENERATED))" || { git status --short -- $(GENERATED); exit 1; }

.PHONY: e2e
e2e: $(LOCAL) install ## Run the end-to-end tests on the cluster
	@hack/tools/build.sh certmanager
	go test -tags e2e -count 1 -timeout 40m -v ./hack/e2e

##@ Cluster

.PHONY: cluster-up
cluster-up: ## Start a real single-node cluster on this machine, without Docker (root, Debian)
	@hack/tools/build.sh kubernetes coredns cluster
	@$(CLUSTER) -audit up

.PHONY: cluster-down
cluster-down: ## Stop it and remove all that it left
	@hack/tools/build.sh cluster
	@$(CLUSTER) down

.PHONY: image
image: bin/todoapp-operator ## Build the operator's image, without Docker
	@hack/tools/build.sh cluster
	@$(CLUSTER) image -binary bin/todoapp-operator -tag $(IMAGE) -out bin/image.tar
	@size=$$(gzip -1 <bin/image.tar | wc -c); \
	(( size < 45000000 )) || { echo "the image takes $$size bytes in a registry, more than 45 MB" >&2; exit 1; }

.PHONY: sbom
sbom: bin/todoapp-operator ## List what is in the binary, as CycloneDX, in bin/sbom.json
	@hack/tools/build.sh sbom
	bin/cyclonedx-gomod bin -json -version $(VERSION) -output bin/sbom.json bin/todoapp-operator

.PHONY: load
load: image ## Make the image available to the cluster's pods
	@if command -v kind >/dev/null && kind get clusters 2>/dev/null | grep -qx todoapp; \
	then kind load image-archive bin/image.tar --name todoapp; else $(CLUSTER) load bin/image.tar; fi

.PHONY: install
install: load ## Install the operator with its chart into the cluster that KUBECONFIG names
	@hack/tools/build.sh kubectl helm
	@hack/install.sh

.PHONY: uninstall
uninstall: ## Remove the operator; every TodoApp stays, and goes on working
	@hack/tools/build.sh helm
	bin/helm --namespace todoapp-system uninstall --ignore-not-found --wait todoapp-operator

.PHONY: kind-up
kind-up: ## Start a kind cluster, for those who have Docker and kind
	kind create cluster --name todoapp --config hack/kind/kind.yaml --kubeconfig $(KUBECONFIG)

.PHONY: kind-load
kind-load: image ## Make the image available to the kind cluster's pods
	kind load image-archive bin/image.tar --name todoapp

.PHONY: kind-e2e
kind-e2e: ## Run the end-to-end tests on the kind cluster, which keeps no log to hold the operator's rights against
	$(MAKE) e2e KUBECONFIG=$(KUBECONFIG) E2E_AUDIT_LOG=none

.PHONY: kind-down
kind-down: ## Delete the kind cluster
	kind delete cluster --name todoapp

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf bin cover.out
