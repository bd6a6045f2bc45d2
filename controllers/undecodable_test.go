package controllers_test

import (
	"fmt"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const malformed = "2026-11-26t10:00:00z"

// TestAnUndecodableAppStopsNoOther: an older schema admitted the timestamp, so it may be stored.
func TestAnUndecodableAppStopsNoOther(t *testing.T) {
	b := newBench(t)
	bad := b.storeUndecodable("bad")
	good := b.app("good")
	manager := b.start()
	first := b.settled("good")

	b.phase("good", "Stable", "")
	b.ask(good, "rotateAfter")
	second := b.newerKey("good", first.Version)
	b.statusHas("good", second)
	b.ask(good, "revokeBefore")
	b.newerKey("good", second)
	b.app("new")
	b.settled("new")

	var live todov1.TodoApp
	eventually(t, func() error {
		must(t, b.get("bad", &live))
		ready := meta.FindStatusCondition(live.Status.Conditions, todov1.ConditionReady)
		if ready == nil || ready.Reason != todov1.ReasonSpecUndecodable || !strings.Contains(ready.Message, malformed) {
			return fmt.Errorf("the condition does not name the value: %+v", ready)
		}
		return nil
	})
	if _, err := b.active("bad"); err == nil {
		t.Error("the undecodable app was given keys")
	}
	b.quiet(manager)

	b.merge(bad, `{"spec": {"auth": {"rotation": {"rotateAfter": null}}}}`)
	b.settled("bad")
	b.quiet(manager)

	b.undecodable("good")
	b.app("newer")
	b.settled("newer")
}

// newerKey awaits that an app signs with a key that is newer than a version, and returns the newer version.
func (b *bench) newerKey(app string, version int64) int64 {
	b.t.Helper()
	var active keyring.Key
	eventually(b.t, func() error {
		var err error
		if active, err = b.active(app); err == nil && active.Version <= version {
			err = fmt.Errorf("key %d is still active", active.Version)
		}
		return err
	})
	return active.Version
}

// statusHas awaits that the status of an app has a version as its newest.
func (b *bench) statusHas(name string, version int64) {
	b.t.Helper()
	eventually(b.t, func() error {
		var app todov1.TodoApp
		if err := b.get(name, &app); err != nil || len(app.Status.Keys) == 0 || app.Status.Keys[0].Version != version {
			return fmt.Errorf("the newest key of %s is not %d: %v (%w)", name, version, app.Status.Keys, err)
		}
		return nil
	})
}

// storeUndecodable creates an app with a timestamp that the present schema refuses.
func (b *bench) storeUndecodable(name string) *unstructured.Unstructured {
	b.t.Helper()
	app := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"auth": map[string]any{
		"rotation": map[string]any{"rotateAfter": malformed}}}}}
	app.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
	app.SetNamespace(b.namespace)
	app.SetName(name)
	b.permissive(func() {
		eventually(b.t, func() error { return b.client.Create(b.t.Context(), app.DeepCopy()) })
	})
	refused := app.DeepCopy()
	refused.SetName(name + "-refused")
	eventually(b.t, func() error {
		if b.client.Create(b.t.Context(), refused, client.DryRunAll) == nil {
			return fmt.Errorf("the schema still admits %s", malformed)
		}
		return nil
	})
	return app
}

// undecodable gives a stored app the timestamp.
func (b *bench) undecodable(name string) {
	b.t.Helper()
	b.permissive(func() {
		app := &todov1.TodoApp{}
		must(b.t, b.get(name, app))
		patch := fmt.Sprintf(`{"spec": {"auth": {"rotation": {"rotateAfter": %q}}}}`, malformed)
		eventually(b.t, func() error {
			return b.client.Patch(b.t.Context(), app, client.RawPatch("application/merge-patch+json", []byte(patch)))
		})
	})
}

// permissive runs a function while the API server has the schema without the rule about moments.
func (b *bench) permissive(run func()) {
	b.t.Helper()
	scheme := runtime.NewScheme()
	must(b.t, apiextensionsv1.AddToScheme(scheme))
	admin, err := client.New(apiServer, client.Options{Scheme: scheme})
	must(b.t, err)
	set := func(rules apiextensionsv1.ValidationRules) apiextensionsv1.ValidationRules {
		var crd apiextensionsv1.CustomResourceDefinition
		must(b.t, admin.Get(b.t.Context(), client.ObjectKey{Name: "todoapps.todoapp.dev"}, &crd))
		spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		moments := spec.Properties["auth"].Properties["rotation"].Properties
		moment := moments["rotateAfter"]
		before := moment.XValidations
		moment.XValidations = rules
		moments["rotateAfter"] = moment
		must(b.t, admin.Update(b.t.Context(), &crd))
		return before
	}
	strict := set(nil)
	run()
	set(strict)
}
