package controllers_test

import (
	"bytes"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// TestACreatedSecretLosesWhatIsDropped drops a label and an annotation, and then the entry of an adopted key, from a Secret that
// the operator has created, or the other way round: before its first apply, after an apply that left the record of the creation in
// place, and after another manager has changed the Secret. The label of the other manager stays.
func TestACreatedSecretLosesWhatIsDropped(t *testing.T) {
	const name = "todo-frontend-auth"
	inherited := `{"spec":{"inheritedMetadata":{"labels":{"team":"shop"},"annotations":{"example.com/a":"1","example.com/b":"1"}}}}`
	for what, before := range map[string]func(*environment, *todov1.TodoApp){
		"before its first apply": func(*environment, *todov1.TodoApp) {},
		"after an apply": func(e *environment, app *todov1.TodoApp) {
			e.merge(app, inherited)
			eventually(e.t, func() error { return e.annotated(name, "example.com/b", "1") })
		},
		"after another manager's change": func(e *environment, _ *todov1.TodoApp) {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}}
			theirs := `{"metadata":{"annotations":{"example.com/a":"2"},"labels":{"theirs":"1"}},"stringData":{"THEIRS":"1"}}`
			patch := client.RawPatch(types.MergePatchType, []byte(theirs))
			must(e.t, e.client.Patch(e.t.Context(), secret, patch, client.FieldOwner("them")))
			eventually(e.t, func() error { return e.annotated(name, "example.com/a", "1") })
		},
	} {
		for _, revokeFirst := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, revocation first: %t", what, revokeFirst), func(t *testing.T) {
				t.Parallel()
				e := newEnvironment(t)
				app, p := e.createdWithAdoptedKey(name)
				before(e, app)
				drop := func() { e.merge(app, `{"spec":{"inheritedMetadata":null}}`) }
				if revokeFirst {
					e.ask(app, "revokeBefore")
				} else {
					drop()
				}
				e.quiet(p)
				if revokeFirst {
					drop()
				} else {
					e.ask(app, "revokeBefore")
				}
				e.quiet(p)
				e.lost(name, what == "after another manager's change")
			})
		}
	}
}

// createdWithAdoptedKey creates an app whose backend's Secret was handed over, so that the operator creates the frontend's Secret
// with the adopted key.
func (e *environment) createdWithAdoptedKey(name string) (*todov1.TodoApp, *process) {
	e.t.Helper()
	e.handedOver("todo-backend-auth", byHand, "todo")
	p := e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.InheritedMetadata = &todov1.InheritedMetadata{
			Labels: map[string]string{"team": "shop"}, Annotations: map[string]string{"example.com/a": "1"}}
	})
	e.settled("todo")
	e.phase("todo", "Stable", "")
	var secret corev1.Secret
	must(e.t, e.get(name, &secret))
	if string(secret.Data[keyring.EntryLegacySecret]) != byHand || len(secret.ManagedFields) != 1 {
		e.t.Fatalf("the Secret is not as it was created: it has entries of %v", secret.ManagedFields)
	}
	return app, p
}

// lost fails if a Secret holds the adopted key or inherited metadata, or has lost another manager's label.
func (e *environment) lost(name string, theirs bool) {
	e.t.Helper()
	var secret corev1.Secret
	must(e.t, e.get(name, &secret))
	for entry, value := range secret.Data {
		if entry == keyring.EntryLegacySecret || bytes.Contains(value, []byte(byHand)) {
			e.t.Errorf("entry %s holds the revoked key", entry)
		}
	}
	if len(secret.Data) < 2 || secret.Labels["team"]+secret.Annotations["example.com/a"]+secret.Annotations["example.com/b"] != "" {
		e.t.Errorf("%d entries, labels %v, annotations %v", len(secret.Data), secret.Labels, secret.Annotations)
	}
	if (secret.Labels["theirs"] == "1") != theirs {
		e.t.Errorf("another manager's label: %v", secret.Labels)
	}
}

// annotated returns an error unless a Secret has an annotation.
func (e *environment) annotated(secret, annotation, want string) error {
	var live corev1.Secret
	if err := e.get(secret, &live); err != nil {
		return err
	}
	if got := live.Annotations[annotation]; got != want {
		return fmt.Errorf("annotation %s of Secret %s is %q, expected %q", annotation, secret, got, want)
	}
	return nil
}
