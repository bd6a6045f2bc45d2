package controllers_test

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestAnEmptySpecBecomesAStack(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo")
	key := e.settled("todo")
	if key.Version != 1 || len(key.Value) != 43 {
		t.Errorf("the first key is version %d with %d characters", key.Version, len(key.Value))
	}
	for name, object := range map[string]client.Object{
		"todo-frontend-auth": &corev1.Secret{}, "todo-backend-auth": &corev1.Secret{},
		"todo-backend": &appsv1.Deployment{},
	} {
		eventually(t, func() error { return e.get(name, object) })
		if !metav1.IsControlledBy(object, app) {
			t.Errorf("%s does not go with the app", name)
		}
	}
	var claim corev1.PersistentVolumeClaim
	must(t, e.get("todo-data", &claim))
	if len(claim.OwnerReferences) > 0 {
		t.Error("the data volume would go with the app")
	}
	must(t, e.get("todo-backend", &corev1.Service{}))
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync)
	})
	must(t, e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonProgressing))
}

// condition returns an error unless a condition of an app has the expected status and reason.
func (e *environment) condition(app, kind string, status metav1.ConditionStatus, reason string) error {
	var live todov1.TodoApp
	if err := e.get(app, &live); err != nil {
		return err
	}
	c := meta.FindStatusCondition(live.Status.Conditions, kind)
	if c == nil || c.Status != status || c.Reason != reason {
		return fmt.Errorf("condition %s is %+v, not %s with reason %s", kind, c, status, reason)
	}
	return nil
}

func TestASteadyStateSendsNothing(t *testing.T) {
	e := newEnvironment(t)
	first := e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Spec.Frontend.Replicas = new(int32(2))
		a.Spec.Frontend.URL = "https://todo.example.com"
		a.Spec.Frontend.Template.Tolerations = []corev1.Toleration{{Key: "spot"}}
		a.Spec.Frontend.Env = []corev1.EnvVar{{Name: "NODE", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}}}
	})
	e.settled("todo")
	e.quiet(first)
	e.touch(app, "a")
	if sent := e.quiet(first); len(sent) > 0 {
		t.Errorf("a reconcile with nothing to do sent %v", sent)
	}
	first.stop()
	second := e.start()
	if sent := slices.DeleteFunc(e.quiet(second), func(s string) bool { return s[:4] == "GET " }); len(sent) > 0 {
		t.Errorf("a restart with nothing to do wrote %v", sent)
	}
}

// touch makes the manager reconcile an app by a change that has no meaning to it.
func (e *environment) touch(app *todov1.TodoApp, value string) {
	e.t.Helper()
	e.merge(app, `{"metadata":{"annotations":{"touch":"`+value+`"}}}`)
}

func TestAnyTwoSecretsAreHealed(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	e.app("todo")
	key := e.settled("todo")
	names := []string{"todo-keyring", "todo-frontend-auth", "todo-backend-auth"}
	for i, one := range names {
		for _, other := range names[i:] {
			t.Run(one+" and "+other, func(t *testing.T) {
				for _, name := range slices.Compact([]string{one, other}) {
					secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}}
					must(t, e.client.Delete(t.Context(), secret))
				}
				if healed := e.settled("todo"); healed.Value != key.Value || healed.Version != key.Version {
					t.Errorf("key %d became another key %d", key.Version, healed.Version)
				}
			})
		}
	}
}

// edited changes an entry of a Secret under another field manager, and returns the Secret.
func (e *environment) edited(name, entry, value string) *corev1.Secret {
	e.t.Helper()
	secret := &corev1.Secret{}
	must(e.t, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := e.get(name, secret); err != nil {
			return err
		}
		secret.Data[entry] = []byte(value)
		return e.client.Update(e.t.Context(), secret, client.FieldOwner("velero"))
	}))
	return secret
}

// An entry that another field manager owns too outlives every apply: pods would still get a revoked key.
func TestNothingIsLeftOverInASecret(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	e.app("todo")
	e.settled("todo")
	for _, side := range []string{"frontend", "backend"} {
		secret := e.edited("todo-"+side+"-auth", keyring.EntryLegacySecret, "restored from a backup")
		eventually(t, func() error {
			var now corev1.Secret
			if err := e.get(secret.Name, &now); err != nil {
				return err
			}
			if _, left := now.Data[keyring.EntryLegacySecret]; left {
				return fmt.Errorf("the %s's Secret still has it", side)
			}
			return nil
		})
	}
	e.settled("todo")
}

func TestAnEditIsHealed(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	e.app("todo")
	key := e.settled("todo")
	for _, side := range []string{"frontend", "backend"} {
		e.edited("todo-"+side+"-auth", keyring.EntrySecret, "by hand")
		if healed := e.settled("todo"); healed.Value != key.Value {
			t.Errorf("%s: the key became another", side)
		}
	}
	var d appsv1.Deployment
	must(t, e.get("todo-backend", &d))
	d.Spec.Template.Spec.Containers[0].Image = "other"
	must(t, e.client.Update(t.Context(), &d))
	eventually(t, func() error {
		must(t, e.get("todo-backend", &d))
		if image := d.Spec.Template.Spec.Containers[0].Image; image != "todoapp-operator:test" {
			return fmt.Errorf("the image is still %s", image)
		}
		return nil
	})
}

func TestWhatIsNoLongerDesiredIsPruned(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Spec.Frontend.Replicas = new(int32(2))
	})
	e.settled("todo")
	eventually(t, func() error { return e.get("todo-frontend", &appsv1.Deployment{}) })
	e.merge(app, `{"spec":{"frontend":{"image":null,"secretRef":{"name":"renamed"}}}}`)
	for name, object := range map[string]client.Object{
		"todo-frontend": &appsv1.Deployment{}, "todo-frontend-auth": &corev1.Secret{},
	} {
		eventually(t, func() error {
			if err := e.get(name, object); !apierrors.IsNotFound(err) {
				return fmt.Errorf("%s is still there (%w)", name, err)
			}
			return nil
		})
	}
	must(t, e.get("renamed", &corev1.Secret{}))
}
