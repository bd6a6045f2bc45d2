package controllers_test

import (
	"fmt"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const malformed = "2026-11-26t10:00:00z"

// TestAnUndecodableAppStopsNoOther: an older schema admitted the timestamp, so it may be stored.
func TestAnUndecodableAppStopsNoOther(t *testing.T) {
	e := newEnvironment(t)
	bad := e.storeUndecodable("bad")
	good := e.app("good")
	manager := e.start()
	first := e.settled("good")

	e.phase("good", "Stable", "")
	e.ask(good, "rotateAfter")
	second := e.newerKey("good", first.Version)
	e.statusHas("good", second)
	e.ask(good, "revokeBefore")
	e.newerKey("good", second)
	e.app("new")
	e.settled("new")

	var live todov1.TodoApp
	mayReport := e.admitsStatusOf(bad)
	eventually(t, func() error {
		must(t, e.get("bad", &live))
		if !mayReport {
			return nil // an Event and the metric remain
		}
		ready := meta.FindStatusCondition(live.Status.Conditions, todov1.ConditionReady)
		if ready == nil || ready.Reason != todov1.ReasonSpecUndecodable || !strings.Contains(ready.Message, malformed) {
			return fmt.Errorf("the condition does not name the value: %+v", ready)
		}
		if !meta.IsStatusConditionTrue(live.Status.Conditions, todov1.ConditionStalled) {
			return fmt.Errorf("the app does not seem stalled: %+v", live.Status.Conditions)
		}
		return nil
	})
	if _, err := e.active("bad"); err == nil {
		t.Error("the undecodable app was given keys")
	}
	e.quiet(manager)

	e.merge(bad, `{"spec": {"auth": {"rotation": {"rotateAfter": null}}}}`)
	e.settled("bad")
	e.quiet(manager)

	e.undecodable("good")
	e.app("newer")
	e.settled("newer")
}

// newerKey awaits that an app signs with a key that is newer than a version, and returns the newer version.
func (e *environment) newerKey(app string, version int64) int64 {
	e.t.Helper()
	var active keyring.Key
	eventually(e.t, func() error {
		var err error
		if active, err = e.active(app); err == nil && active.Version <= version {
			err = fmt.Errorf("key %d is still active", active.Version)
		}
		return err
	})
	return active.Version
}

// statusHas awaits that the status of an app has a version as its newest.
func (e *environment) statusHas(name string, version int64) {
	e.t.Helper()
	eventually(e.t, func() error {
		var app todov1.TodoApp
		if err := e.get(name, &app); err != nil || len(app.Status.Keys) == 0 || app.Status.Keys[0].Version != version {
			return fmt.Errorf("the newest key of %s is not %d: %v (%w)", name, version, app.Status.Keys, err)
		}
		return nil
	})
}

// storeUndecodable creates an app with a timestamp that the present schema refuses.
func (e *environment) storeUndecodable(name string) *unstructured.Unstructured {
	e.t.Helper()
	app := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"auth": map[string]any{
		"rotation": map[string]any{"rotateAfter": malformed}}}}}
	app.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
	app.SetNamespace(e.namespace)
	app.SetName(name)
	e.permissive(func() {
		eventually(e.t, func() error { return e.client.Create(e.t.Context(), app.DeepCopy()) })
	})
	refused := app.DeepCopy()
	refused.SetName(name + "-refused")
	eventually(e.t, func() error {
		if e.client.Create(e.t.Context(), refused, client.DryRunAll) == nil {
			return fmt.Errorf("the schema still admits %s", malformed)
		}
		return nil
	})
	return app
}

// admitsStatusOf reports whether the API server admits a status of an app with a spec that the present schema refuses. Kubernetes
// 1.32 does not: it validates the whole object with each write of the status.
func (e *environment) admitsStatusOf(app *unstructured.Unstructured) bool {
	e.t.Helper()
	stored := &todov1.TodoApp{}
	must(e.t, e.get(app.GetName(), stored))
	patch := client.RawPatch(types.MergePatchType, []byte(`{"status": {"observedGeneration": 1}}`))
	err := e.client.Status().Patch(e.t.Context(), stored, patch, client.DryRunAll)
	if err != nil && !apierrors.IsInvalid(err) {
		e.t.Fatal(err)
	}
	e.t.Logf("the API server admits the status of an app that does not decode: %t (%v)", err == nil, err)
	return err == nil
}

// undecodable gives a stored app the timestamp.
func (e *environment) undecodable(name string) {
	e.t.Helper()
	e.permissive(func() {
		app := &todov1.TodoApp{}
		must(e.t, e.get(name, app))
		patch := fmt.Sprintf(`{"spec": {"auth": {"rotation": {"rotateAfter": %q}}}}`, malformed)
		eventually(e.t, func() error {
			return e.client.Patch(e.t.Context(), app, client.RawPatch("application/merge-patch+json", []byte(patch)))
		})
	})
}

// permissive runs a function while the API server has the schema without the rule about moments.
func (e *environment) permissive(run func()) {
	e.t.Helper()
	scheme := runtime.NewScheme()
	must(e.t, apiextensionsv1.AddToScheme(scheme))
	admin, err := client.New(apiServer, client.Options{Scheme: scheme})
	must(e.t, err)
	set := func(rules apiextensionsv1.ValidationRules) apiextensionsv1.ValidationRules {
		var crd apiextensionsv1.CustomResourceDefinition
		must(e.t, admin.Get(e.t.Context(), client.ObjectKey{Name: "todoapps.todoapp.dev"}, &crd))
		spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		moments := spec.Properties["auth"].Properties["rotation"].Properties
		moment := moments["rotateAfter"]
		before := moment.XValidations
		moment.XValidations = rules
		moments["rotateAfter"] = moment
		must(e.t, admin.Update(e.t.Context(), &crd))
		return before
	}
	strict := set(nil)
	run()
	set(strict)
}
