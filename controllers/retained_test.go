package controllers_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// keyringOf returns the keyring Secret of an app called todo.
func (e *environment) keyringOf(app string) *corev1.Secret {
	e.t.Helper()
	var secret corev1.Secret
	must(e.t, e.get(app+"-keyring", &secret))
	return &secret
}

// ownerOf awaits that an app's keyring has the app as its owner, or nothing.
func (e *environment) ownedBy(app *todov1.TodoApp, owned bool) {
	e.t.Helper()
	eventually(e.t, func() error {
		owners := e.keyringOf(app.Name).OwnerReferences
		if owned != slices.ContainsFunc(owners, func(ref metav1.OwnerReference) bool { return ref.UID == app.UID }) {
			return fmt.Errorf("the keyring's owners are %v", owners)
		}
		return nil
	})
}

// finds awaits that the status says whether the app has found its keyring.
func (e *environment) finds(app string, found bool) {
	e.t.Helper()
	eventually(e.t, func() error {
		var live todov1.TodoApp
		if err := e.get(app, &live); err != nil {
			return err
		}
		c := meta.FindStatusCondition(live.Status.Conditions, todov1.ConditionKeysInSync)
		if c == nil || c.Status != metav1.ConditionTrue || strings.Contains(c.Message, "The keyring was found") != found {
			return fmt.Errorf("the condition is %+v", c)
		}
		return nil
	})
}

// An app that an earlier release made owns its keyring. The present one takes the reference off, and changes neither a key nor
// a pod; the policy decides from then on.
func TestThePolicyOwnsTheKeyringOrNot(t *testing.T) {
	e := newEnvironment(t)
	old := e.start()
	app := e.app("todo", func(a *todov1.TodoApp) { a.Spec.Auth.ReclaimPolicy = todov1.ReclaimDelete })
	key := e.settled("todo")
	e.ownedBy(app, true)
	e.quiet(old)
	old.stop()
	var before, after appsv1.Deployment
	must(t, e.get("todo-backend", &before))
	e.merge(e.keyringOf("todo"), `{"metadata":{"annotations":{"todoapp.dev/made-for":null}}}`) // as release 0.2.0 left it
	e.merge(app, `{"spec":{"auth":{"reclaimPolicy":"Retain"}}}`)
	e.start()
	e.ownedBy(app, false)
	e.finds("todo", false)
	e.merge(app, `{"spec":{"auth":{"reclaimPolicy":"Delete"}}}`)
	e.ownedBy(app, true)
	if now := e.settled("todo"); now.Version != key.Version || now.Value != key.Value {
		t.Errorf("key %d became key %d", key.Version, now.Version)
	}
	must(t, e.get("todo-backend", &after))
	if after.Generation != before.Generation {
		t.Errorf("the Deployment changed from generation %d to %d", before.Generation, after.Generation)
	}
}

// A retained keyring has the same keys for the next app of its name; so has one that a backup brings back with the
// reference to an app that is gone.
func TestTheKeyringOutlivesItsApp(t *testing.T) {
	for name, stale := range map[string]bool{"retained": false, "restored with a stale owner": true} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t)
			e.start()
			first := e.app("todo")
			key := e.settled("todo")
			e.finds("todo", false)
			e.ownedBy(first, false)
			must(t, e.client.Delete(t.Context(), first))
			for _, secret := range []string{"todo-frontend-auth", "todo-backend-auth"} { // as the garbage collector does
				must(t, e.client.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: secret}}))
			}
			if stale {
				e.merge(e.keyringOf("todo"), `{"metadata":{"ownerReferences":[{"apiVersion":"todoapp.dev/v1alpha1","kind":"TodoApp",`+
					`"name":"todo","uid":"`+string(first.UID)+`","controller":true}]}}`)
			}
			again := e.app("todo")
			e.finds("todo", true)
			if now := e.settled("todo"); now.Version != key.Version || now.Value != key.Value {
				t.Errorf("key %d became key %d", key.Version, now.Version)
			}
			e.ownedBy(again, false)
			if owners := e.keyringOf("todo").OwnerReferences; len(owners) > 0 {
				t.Errorf("the keyring's owners are %v", owners)
			}
		})
	}
}

// A weak key that was adopted is reported until it is revoked.
func TestAWeakKeyThatIsAdopted(t *testing.T) {
	e := newEnvironment(t)
	must(t, e.client.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "web",
			Annotations: map[string]string{todov1.AnnotationAdopt: "todo"}},
		StringData: map[string]string{keyring.EntrySecret: "changeme-changeme-changeme-changeme"},
	}))
	e.start(func(r *controllers.Reconciler) {
		r.NewKey = func() keyring.Value { return keyring.Generate(sha256.Sum256([]byte("fresh"))) }
	})
	app := e.app("todo", frontendSecret("web"))
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionKeysStrong, metav1.ConditionFalse, todov1.ReasonWeakKey)
	})
	eventually(t, e.aSecondHasPassed("todo"))
	key, err := e.active("todo")
	must(t, err)
	after := key.CreatedAt.Add(time.Second).UTC().Format(time.RFC3339)
	e.merge(app, `{"spec":{"auth":{"rotation":{"revokeBefore":"`+after+`"}}}}`)
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionKeysStrong, metav1.ConditionTrue, todov1.ReasonStrong)
	})
}
