package controllers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// The rows of docs/backup.md are tests here. A backup is what kubectl get -o yaml gives: whole objects with the UIDs and owner
// references of that time. The API server gives an object that is created again another UID.

var secretNames = []string{"todo-keyring", "todo-frontend-auth", "todo-backend-auth"}

// backup reads Secrets as they are now.
func (e *environment) backup(names ...string) []*corev1.Secret {
	e.t.Helper()
	var all []*corev1.Secret
	for _, name := range names {
		secret := &corev1.Secret{}
		must(e.t, e.get(name, secret))
		all = append(all, secret)
	}
	return all
}

// restore puts Secrets back as kubectl apply and Velero do: created if they are gone, else replaced, under another field owner.
// It returns the resourceVersion of the last one.
func (e *environment) restore(backup []*corev1.Secret) string {
	e.t.Helper()
	version := ""
	for _, secret := range backup {
		restored, live := &corev1.Secret{}, &corev1.Secret{}
		must(e.t, retry.RetryOnConflict(retry.DefaultRetry, func() error {
			restored = secret.DeepCopy()
			restored.ResourceVersion, restored.UID, restored.ManagedFields = "", "", nil
			if err := e.get(secret.Name, live); err != nil {
				return e.client.Create(e.t.Context(), restored, client.FieldOwner("velero"))
			}
			restored.ResourceVersion = live.ResourceVersion
			return e.client.Update(e.t.Context(), restored, client.FieldOwner("velero"))
		}))
		version = restored.ResourceVersion
	}
	return version
}

// remove deletes Secrets, as the loss of a namespace does.
func (e *environment) remove(names ...string) {
	e.t.Helper()
	for _, name := range names {
		must(e.t, client.IgnoreNotFound(e.client.Delete(e.t.Context(),
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}})))
	}
}

// onKeyTwo makes an app go on to key 2 and waits until it is in use.
func (e *environment) onKeyTwo(app *todov1.TodoApp) keyring.Key {
	e.t.Helper()
	e.inSync()
	e.ask(app, "rotateAfter")
	eventually(e.t, func() error { return e.uses("todo", 2) })
	return e.settled("todo")
}

// inSync waits until the status has the first keys.
func (e *environment) inSync() {
	e.t.Helper()
	eventually(e.t, func() error {
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync)
	})
}

// uses returns an error unless a key version is active in the keyring.
func (e *environment) uses(app string, version int64) error {
	key, err := e.active(app)
	if err == nil && key.Version != version {
		err = fmt.Errorf("key %d is active, not %d", key.Version, version)
	}
	return err
}

// ring reads an app's keyring.
func (e *environment) ring(app string) keyring.Ring {
	e.t.Helper()
	secret := &corev1.Secret{}
	must(e.t, e.get(app+"-keyring", secret))
	ring, err := keyring.Unmarshal(secret.Data)
	must(e.t, err)
	return ring
}

// announcements records Events, and the resourceVersion of the keyring when one of each reason was written.
type announcements struct {
	sync.Mutex
	e        *environment
	all      []string
	keyrings map[string]string
}

func (a *announcements) Eventf(_, _ runtime.Object, kind, reason, _, note string, args ...any) {
	secret := &corev1.Secret{}
	_ = a.e.get("todo-keyring", secret)
	a.Lock()
	defer a.Unlock()
	a.all = append(a.all, kind+" "+reason+" "+fmt.Sprintf(note, args...))
	a.keyrings[reason] = secret.ResourceVersion
}

// told returns an error unless an Event of a reason was written.
func (a *announcements) told(reason string) error {
	a.Lock()
	defer a.Unlock()
	if !slices.ContainsFunc(a.all, func(e string) bool { return strings.HasPrefix(e, "Warning "+reason+" ") }) {
		return fmt.Errorf("no Event %s among %q", reason, a.all)
	}
	return nil
}

// announcing starts a manager whose Events are recorded.
func (e *environment) announcing() (*announcements, *process) {
	e.t.Helper()
	a := &announcements{e: e, keyrings: map[string]string{}}
	return a, e.start(func(r *controllers.Reconciler) { r.Events = a })
}

func TestRestoreOfAnOlderKeyringAlone(t *testing.T) {
	e := newEnvironment(t)
	told, _ := e.announcing()
	app := e.app("todo")
	first := e.settled("todo")
	old := e.backup("todo-keyring")
	second := e.onKeyTwo(app)
	restored := e.restore(old)
	eventually(t, func() error { return told.told(todov1.ReasonKeyringRestored) })
	eventually(t, func() error { return e.uses("todo", 2) })
	if key := e.settled("todo"); key.Value != second.Value || key.Value == first.Value {
		t.Error("key 2 became another key")
	}
	if told.keyrings[todov1.ReasonKeyringRestored] != restored {
		t.Error("the Event came after the keyring was written")
	}
}

func TestRestoreOfEverythingAsItWas(t *testing.T) {
	e := newEnvironment(t)
	_, p := e.announcing()
	app := e.app("todo")
	e.onKeyTwo(app)
	ring := e.ring("todo")
	backup := e.backup(secretNames...)
	p.stop()
	e.remove(secretNames...)
	e.restore(backup)
	e.start()
	e.settled("todo")
	if !e.ring("todo").Equal(ring) {
		t.Error("the ring is not what it was")
	}
}

// Velero restores Secrets before custom resources, so the owner references are those of a TodoApp that is gone.
func TestRestoreOfSecretsBeforeTheTodoApp(t *testing.T) {
	e := newEnvironment(t)
	_, p := e.announcing()
	app := e.app("todo")
	second := e.onKeyTwo(app)
	backup := e.backup(secretNames...)
	p.stop()
	must(t, e.client.Delete(t.Context(), app))
	e.remove(secretNames...)
	e.restore(backup)
	e.start()
	again := e.app("todo")
	eventually(t, func() error { return e.uses("todo", 2) })
	if key := e.settled("todo"); key.Value != second.Value {
		t.Error("key 2 became another key")
	}
	eventually(t, func() error {
		for _, secret := range e.backup("todo-frontend-auth", "todo-backend-auth") {
			if !metav1.IsControlledBy(secret, again) {
				return fmt.Errorf("Secret %s is not owned by the TodoApp of now: %v", secret.Name, secret.OwnerReferences)
			}
		}
		return nil
	})
}

// If the TodoApp is restored first, it makes new keys before its Secrets are restored. The restored keyring wins, and the operator
// says that the keys made in between are lost.
func TestRestoreOfTheTodoAppBeforeItsSecrets(t *testing.T) {
	e := newEnvironment(t)
	told, _ := e.announcing()
	app := e.app("todo")
	second := e.onKeyTwo(app)
	backup := e.backup(secretNames...)
	must(t, e.client.Delete(t.Context(), app))
	e.remove(secretNames...)
	e.app("todo")
	eventually(t, func() error { return e.uses("todo", 1) })
	meantime := e.settled("todo")
	e.restore(backup[:1])
	eventually(t, func() error { return told.told(todov1.ReasonKeysLost) })
	eventually(t, func() error { return e.uses("todo", 2) })
	if key := e.settled("todo"); key.Value != second.Value || key.Value == meantime.Value {
		t.Error("key 2 is not the one of the backup")
	}
}

// When etcd goes back, all three Secrets are older, and the keys of pods are in no Secret any more. Their versions are not given
// out again, and the operator says that they are lost.
func TestEverythingIsRolledBack(t *testing.T) {
	e := newEnvironment(t)
	_, p := e.announcing()
	app := e.app("todo")
	e.settled("todo")
	old := e.backup(secretNames...)
	e.onKeyTwo(app)
	e.verifier(app, "todo-backend-a")
	p.stop()
	e.restore(old)
	told, _ := e.announcing()
	eventually(t, func() error { return told.told(todov1.ReasonKeysLost) })
	eventually(t, func() error { return e.uses("todo", 3) }) // the TodoApp still asks for a rotation
	for _, k := range e.ring("todo").Keys {
		if k.Version == 2 {
			t.Error("version 2 is given out again, and a pod has another key of that version")
		}
	}
}

// A keyring that is newer than the Secrets is the usual case after a crash: nothing but the Secrets changes.
func TestRestoreOfOlderProjections(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo")
	e.settled("todo")
	old := e.backup("todo-frontend-auth", "todo-backend-auth")
	second := e.onKeyTwo(app)
	ring := e.ring("todo")
	e.restore(old)
	if key := e.settled("todo"); key.Value != second.Value {
		t.Error("key 2 became another key")
	}
	for i, k := range e.ring("todo").Keys {
		if k.Version != ring.Keys[i].Version || k.Value != ring.Keys[i].Value {
			t.Errorf("key %d of the ring became key %d", ring.Keys[i].Version, k.Version)
		}
	}
}

// A revoked key does not come back with an older backup, also if the moment is no longer in the TodoApp.
func TestRestoreOfARevokedKey(t *testing.T) {
	e := newEnvironment(t)
	told, _ := e.announcing()
	app := e.app("todo")
	first := e.settled("todo")
	old := e.backup("todo-keyring")
	e.inSync()
	e.ask(app, "revokeBefore")
	eventually(t, func() error { return e.uses("todo", 2) })
	e.settled("todo")
	e.merge(app, `{"spec":{"auth":{"rotation":{"revokeBefore":null}}}}`)
	e.restore(old)
	eventually(t, func() error { return told.told(todov1.ReasonKeyringRestored) })
	eventually(t, func() error { return e.uses("todo", 2) })
	e.settled("todo")
	for _, name := range secretNames[1:] {
		secret := e.backup(name)[0]
		if strings.Contains(string(secret.Data[keyring.EntrySecrets]), string(first.Value)) {
			t.Errorf("%s holds the revoked key", name)
		}
	}
}

// A list that was edited by hand is not taken for that of a later keyring: its annotation does not tell of the new version.
func TestAnEditedListIsNoBackup(t *testing.T) {
	e := newEnvironment(t)
	before := transitions(t, "Lost")
	told, _ := e.announcing()
	e.app("todo")
	first := e.settled("todo")
	other := keyring.Generate([32]byte{255})
	e.edited("todo-backend-auth", keyring.EntrySecrets, "9:"+string(other)+",1:"+string(first.Value))
	eventually(t, func() error { return told.told(todov1.ReasonKeysLost) })
	eventually(t, func() error {
		if now := transitions(t, "Lost"); now < before+1 {
			return fmt.Errorf("%v lost keys are counted, after %v before", now, before)
		}
		return nil
	})
	eventually(t, func() error {
		if secret := e.backup("todo-backend-auth")[0]; strings.Contains(string(secret.Data[keyring.EntrySecrets]), string(other)) {
			return errors.New("the Secret still holds another key")
		}
		return nil
	})
	if keys := e.ring("todo").Keys; len(keys) != 1 {
		t.Errorf("the ring has %d keys", len(keys))
	}
}
