#!/usr/bin/env bash
# Generates deep copies, the CRD, RBAC, the chart's copies of them, the reference of fields and values, and the task API's
# copy of Swagger UI.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
chart=charts/todoapp-operator

hack/tools/build.sh controller-gen helm
bin/controller-gen object paths=./api/...
bin/controller-gen crd paths=./api/... output:crd:dir=config/crd
# controller-gen admits what Go does not decode: exponents with a fraction (1e1.5), and the API server's lenient dates.
sed -i -e 's/(\[eE\](\\+|-)?((\[0-9\]+(\\.\[0-9\]\*)?)|(\\.\[0-9\]+)))/([eE](\\+|-)?[0-9]{1,9})/' \
  -e 's/^\( \{12,\}\)format: date-time$/\1maxLength: 64/' config/crd/todoapp.dev_todoapps.yaml
go run ./hack/crd config/crd/todoapp.dev_todoapps.yaml api/v1alpha1
bin/controller-gen rbac:roleName=todoapp-operator paths=./controllers/... paths=./internal/manager/... output:rbac:dir=config/rbac
(cd config && cp crd/todoapp.dev_todoapps.yaml rbac/role.yaml rbac/user_roles.yaml webhook/managedsecrets.yaml \
  webhook/validatingwebhookconfiguration.yaml "../$chart/files/")
bin/crd-ref-docs --source-path=api --config=hack/tools/reference/config.yaml --templates-dir=hack/tools/reference \
  --renderer=markdown --output-path=docs/reference.md --log-level=ERROR
bin/helm-docs --chart-search-root $chart --log-level warning
hack/swagger-ui.sh
