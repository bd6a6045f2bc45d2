package integration_test

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// A user with rights on TodoApps and Deployments alone refers to nothing that the user may not read, by creating or by
// changing an object; a user who may read it does; and who adds no reference needs no right.
func TestReferencesNeedTheRightToGet(t *testing.T) {
	ns := namespace(t, "references")
	secret(t, ns, "payments", "API_KEY", "x", "url", "y")
	secret(t, ns, "granted", "API_KEY", "x")
	create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"A": "b"}}, ns)
	create(t, app("running", `{backend: {env: [{name: K, valueFrom: {secretKeyRef: {name: payments, key: API_KEY}}}]}}`), ns)
	one := allow("", "secrets", "get")
	one.ResourceNames = []string{"granted"}
	grant(t, ns, "deployer", allow("todoapp.dev", "todoapps", "*"), allow("apps", "deployments", "*"), one)
	deployer := as(t, "deployer")

	variable := `{backend: {env: [{name: K, valueFrom: {secretKeyRef: {name: %s, key: %s}}}]}}`
	for name, c := range map[string]struct{ spec, refused string }{
		"nothing": {"{}", ""},
		"a variable": {fmt.Sprintf(variable, "payments", "API_KEY"),
			`spec.backend.env[K]: Forbidden: you may not get Secret "payments"`},
		"one that may be": {fmt.Sprintf(variable, "granted", "API_KEY"), ""},
		"one that is not": {fmt.Sprintf(variable, "missing", "API_KEY"), `you may not get Secret "missing"`},
		"a ConfigMap": {`{frontend: {env: [{name: K, valueFrom: {configMapKeyRef: {name: settings, key: A}}}]}}`,
			`you may not get ConfigMap "settings"`},
		"a database": {`{frontend: {database: {urlSecretRef: {name: payments, key: url}}}}`,
			`you may not get Secret "payments"`},
		"a source": {`{auth: {source: {secretRef: {name: payments, key: url}}}}`, `you may not get Secret "payments"`},
		"a certificate": {`{frontend: {url: "https://x.example"}, ingress: {host: x.example, tlsSecretName: payments}}`,
			`you may not get Secret "payments"`},
		"a pull Secret":     {`{backend: {template: {imagePullSecrets: [{name: payments}]}}}`, `you may not get Secret "payments"`},
		"a Secret to adopt": {`{frontend: {secretRef: {name: payments}}}`, `you may not get Secret "payments"`},
		"a name of its own": {`{frontend: {secretRef: {name: unused}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			object := app("todo", c.spec)
			object.SetNamespace(ns)
			answers(t, deployer.Create(t.Context(), object.DeepCopy(), client.DryRunAll), c.refused)
			err := admin.Create(t.Context(), object, client.DryRunAll)
			if err != nil && strings.Contains(err.Error(), "may not get") {
				t.Errorf("the administrator: %v", err)
			}
		})
	}

	running := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "running"}}
	for what, c := range map[string]struct{ patch, refused string }{
		"another image": {`{"spec":{"frontend":{"image":"registry.example.com/web:2","secretRef":null}}}`, ""},
		"the same in another component": {
			`{"spec":{"frontend":{"env":[{"name":"K","valueFrom":{"secretKeyRef":{"name":"payments","key":"API_KEY"}}}]}}}`, ""},
		"another entry": {`{"spec":{"backend":{"env":[{"name":"K","valueFrom":{"secretKeyRef":{"name":"payments","key":"url"}}}]}}}`,
			`you may not get Secret "payments"`},
		"a pull Secret": {`{"spec":{"frontend":{"template":{"imagePullSecrets":[{"name":"payments"}]}}}}`,
			`you may not get Secret "payments"`},
		"none any more": {`{"spec":{"backend":{"env":null}}}`, ""},
	} {
		t.Run(what, func(t *testing.T) {
			answers(t, deployer.Patch(t.Context(), running.DeepCopy(), merge(c.patch), client.DryRunAll), c.refused)
		})
	}

	web := workloads(ns, "web")[0].(*appsv1.Deployment)
	web.Labels = map[string]string{"todoapp.dev/app": "running", "todoapp.dev/component": "frontend"}
	for label, value := range web.Labels {
		web.Spec.Template.Labels[label] = value
	}
	web.Spec.Template.Spec.Containers[0].EnvFrom = nil
	create(t, web, ns)
	for what, c := range map[string]struct{ spec, refused string }{
		"a workload's volume": {`"volumes":[{"name":"v","secret":{"secretName":"payments"}}]`,
			`you may not get Secret "payments"`},
		"one that may be":          {`"volumes":[{"name":"v","secret":{"secretName":"granted"}}]`, ""},
		"a workload's pull Secret": {`"imagePullSecrets":[{"name":"payments"}]`, `you may not get Secret "payments"`},
		"a workload's token": {`"volumes":[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}]`,
			"projects a service account's token"},
		"nothing new": {`"terminationGracePeriodSeconds":5`, ""},
	} {
		t.Run(what, func(t *testing.T) {
			patch := merge(`{"spec":{"template":{"spec":{` + c.spec + `}}}}`)
			answers(t, deployer.Patch(t.Context(), web.DeepCopy(), patch, client.DryRunAll), c.refused)
		})
	}
}

// answers compares the answer to a request with the refusal that is wanted, or with none.
func answers(t *testing.T, err error, refusal string) {
	t.Helper()
	if (err == nil) != (refusal == "") || err != nil && !strings.Contains(err.Error(), refusal) {
		t.Errorf("got %v, want %q", err, refusal)
	}
}
