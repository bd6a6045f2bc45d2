package controllers_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	byHand    = "a-secret-made-by-hand-Tn4vQe8Zr2Lx"
	otherHand = "another-secret-by-hand-Wk7bYc3Hs9Pd"
)

// secret creates a Secret as a user does.
func (e *environment) secret(name, value string) *corev1.Secret {
	e.t.Helper()
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name},
		Data:       map[string][]byte{keyring.EntrySecret: []byte(value)},
	}
	must(e.t, e.client.Create(e.t.Context(), s))
	return s
}

// handedOver creates a Secret as a user does, and hands it over to an app.
func (e *environment) handedOver(name, value, app string) *corev1.Secret {
	e.t.Helper()
	s := e.secret(name, value)
	e.handOver(s, app)
	return s
}

// handOver marks an object for an app, as kubectl annotate does.
func (e *environment) handOver(object client.Object, app string) {
	e.t.Helper()
	e.merge(object, `{"metadata":{"annotations":{"`+todov1.AnnotationAdopt+`":"`+app+`"}}}`)
}

// holds returns an error unless a Secret holds the expected value.
func (e *environment) holds(name, value string) error {
	var s corev1.Secret
	if err := e.get(name, &s); err != nil {
		return err
	}
	if string(s.Data[keyring.EntrySecret]) != value {
		return fmt.Errorf("Secret %s holds something else", name)
	}
	return nil
}

func TestAnInstallationByHandIsAdopted(t *testing.T) {
	for name, sides := range map[string][]string{
		"both sides": {"frontend", "backend"}, "the frontend alone": {"frontend"}, "the backend alone": {"backend"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t)
			for _, side := range sides {
				e.handedOver("todo-"+side+"-auth", byHand, "todo")
			}
			e.start()
			e.app("todo")
			if key := e.settled("todo"); key.Version != 1 || string(key.Value) != byHand {
				t.Error("the secret that was in use did not become key 1")
			}
		})
	}
}

func TestDifferentSecretsAreLeftAlone(t *testing.T) {
	e := newEnvironment(t)
	e.handedOver("todo-frontend-auth", byHand, "todo")
	wrong := e.handedOver("todo-backend-auth", otherHand, "todo")
	e.start()
	e.app("todo")
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonSecretsDiffer)
	})
	must(t, e.holds("todo-frontend-auth", byHand))
	must(t, e.holds("todo-backend-auth", otherHand))

	must(t, e.client.Delete(t.Context(), wrong))
	if key := e.settled("todo"); string(key.Value) != byHand {
		t.Error("the remaining secret did not become the key")
	}
}

func TestASecretThatContradictsItselfIsNamed(t *testing.T) {
	e := newEnvironment(t)
	wrong := e.handedOver("todo-backend-auth", byHand, "todo")
	wrong.Data[keyring.EntrySecrets] = []byte("1:" + otherHand)
	must(t, e.client.Update(t.Context(), wrong))
	e.start()
	e.app("todo")
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonSecretUnusable)
	})
	var live todov1.TodoApp
	must(t, e.get("todo", &live))
	const want = "the backend's Secret cannot be used: BETTER_AUTH_SECRET is not in its BETTER_AUTH_SECRETS: " +
		"correct or delete Secret todo-backend-auth."
	if got := meta.FindStatusCondition(live.Status.Conditions, todov1.ConditionReady).Message; got != want {
		t.Errorf("it says %q", got)
	}
}

func TestASecretOfSomeoneElseIsNotOverwritten(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo")
	key := e.settled("todo")
	secret := e.secret("live", otherHand)
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/replace-secret":"live"}},"spec":{"backend":{"secretRef":{"name":"live"}}}}`)
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonForeignObject)
	})
	must(t, e.holds("live", otherHand))
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/replace-secret":null}}}`)
	e.handOver(secret, "todo")
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonSecretConflict)
	})
	must(t, e.holds("live", otherHand))
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/replace-secret":"live"}}}`)
	eventually(t, func() error { return e.holds("live", string(key.Value)) })
}

func TestAListOfSomeoneElseIsNotOverwritten(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo")
	e.settled("todo")
	live := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "live",
		Annotations: map[string]string{todov1.AnnotationAdopt: "todo"}},
		Data: map[string][]byte{keyring.EntrySecrets: []byte("7:" + otherHand)}}
	must(t, e.client.Create(t.Context(), live))
	e.merge(app, `{"spec":{"frontend":{"secretRef":{"name":"live"}}}}`)
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonSecretConflict)
	})
}

func TestAnUnreadableKeyringIsNotReplaced(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	e.app("todo")
	key := e.settled("todo")
	var ring corev1.Secret
	must(t, e.get("todo-keyring", &ring))
	ring.Data[keyring.StorageKey] = []byte("scribbles")
	must(t, e.client.Update(t.Context(), &ring))
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonKeyringUnreadable)
	})
	must(t, e.client.Delete(t.Context(), &ring))
	if healed := e.settled("todo"); healed.Value != key.Value {
		t.Error("the key was minted anew")
	}
}

func TestASourceIsFollowed(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Auth.Source = &todov1.AuthSource{SecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: "vault"}, Key: keyring.EntrySecret}}
		a.Spec.Frontend.HandoverPeriod = &metav1.Duration{}
	})
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonSourceMissing)
	})
	vault := e.secret("vault", byHand)
	if key := e.settled("todo"); string(key.Value) != byHand {
		t.Fatal("the source's value is not the key")
	}
	write := func(value string) {
		vault.Data[keyring.EntrySecret] = []byte(value)
		must(t, e.client.Update(t.Context(), vault))
	}
	write("weak")
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionSourceValid, metav1.ConditionFalse, todov1.ReasonSourceInvalid)
	})
	write(otherHand)
	eventually(t, func() error {
		key, err := e.active("todo")
		if err == nil && (key.Version != 2 || string(key.Value) != otherHand) {
			err = fmt.Errorf("key %d is active", key.Version)
		}
		return err
	})
	write(byHand)
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionSourceValid, metav1.ConditionFalse, todov1.ReasonSourceReverted)
	})
	var live todov1.TodoApp
	must(t, e.get("todo", &live))
	if len(live.Status.Keys) != 2 || !meta.IsStatusConditionTrue(live.Status.Conditions, todov1.ConditionKeysInSync) {
		t.Errorf("a reverted source changed the keys: %+v", live.Status.Keys)
	}
}
