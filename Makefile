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
KUBECTL ?= bin/k8s/current/kubectl
CLUSTER ?= bin/cluster/cluster
GO_FILES := $(shell find . -name '*.go' -not -path './bin/*')
export KUBECONFIG

##@ Try it

.PHONY: help
help: ## Show what there is
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(LOCAL) install ## Start a cluster, install the operator and see it work
	@hack/demo/run

.PHONY: demo-down
demo-down: cluster-down ## Stop the demo's cluster and remove all that it left

##@ Develop

.PHONY: build
build: bin/todoapp-operator ## Build the operator

bin/todoapp-operator: $(GO_FILES) go.mod go.sum $(wildcard internal/task/httpapi/*.json internal/task/httpapi/*.html)
	@started=$$SECONDS; echo "building the operator (about 3 minutes the first time) ..."; \
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" -o $@ . ; \
	echo "built in $$((SECONDS - started)) s"

.PHONY: test
test: ## Run the unit tests and those against a real API server and PostgreSQL
	@hack/tools/build envtest
	go test ./...

.PHONY: lint
lint: ## Lint all Go code
	@hack/tools/build golangci-lint
	bin/golangci-lint run ./...
	cd hack/cluster && ../../bin/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: generate
generate: ## Generate deep copies, the CRD and the RBAC from the code
	@hack/tools/build controller-gen
	bin/controller-gen object paths=./api/...
	bin/controller-gen crd paths=./api/... output:crd:dir=config/crd
	bin/controller-gen rbac:roleName=todoapp-operator paths=./controllers/... paths=./internal/manager/... output:rbac:dir=config/rbac

.PHONY: verify
verify: generate ## Fail where generated files or modules are stale
	go mod tidy
	git diff --exit-code -- api config go.mod go.sum
	@test -z "$$(git status --porcelain -- api config)" || { git status --short -- api config; exit 1; }

.PHONY: e2e
e2e: $(LOCAL) install ## Run the end-to-end tests on the cluster
	go test -tags e2e -count 1 -timeout 40m -v ./hack/e2e/...

##@ Cluster

.PHONY: cluster-up
cluster-up: ## Start a real single-node cluster on this machine, without Docker (root, Debian)
	@hack/tools/build kubernetes coredns cluster
	@$(CLUSTER) up

.PHONY: cluster-down
cluster-down: ## Stop it and remove all that it left
	@hack/tools/build cluster
	@$(CLUSTER) down

.PHONY: image
image: bin/todoapp-operator ## Build the operator's image, without Docker
	@hack/tools/build cluster
	@$(CLUSTER) image -binary bin/todoapp-operator -tag $(IMAGE) -out bin/image.tar

.PHONY: load
load: image ## Make the image available to the cluster's pods
	@if command -v kind >/dev/null && kind get clusters 2>/dev/null | grep -qx todoapp; \
	then kind load image-archive bin/image.tar --name todoapp; else $(CLUSTER) load bin/image.tar; fi

.PHONY: install
install: load ## Install the operator into the cluster that KUBECONFIG names
	@hack/demo/install

.PHONY: uninstall
uninstall: ## Remove the operator and, with the resource, every TodoApp; data volumes stay
	$(KUBECTL) delete --ignore-not-found -k config/default

.PHONY: kind-up
kind-up: ## Start a kind cluster, for those who have Docker and kind
	kind create cluster --name todoapp --config hack/kind/kind.yaml --kubeconfig $(KUBECONFIG)

.PHONY: kind-down
kind-down: ## Delete the kind cluster
	kind delete cluster --name todoapp

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf bin cover.out
