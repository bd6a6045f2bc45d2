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
	"k8s.io/apimachinery/pkg/watch"

	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// laggingCache makes the cache of a manager up to half a second old, its indexes included.
func laggingCache(r *controllers.Reconciler) {
	r.Client = &stale{Client: r.Client, observed: map[string]memory{}}
}

// TestOfTwoAppsOneProceedsThoughTheIndexLags: neither app finds the other in the index, and they name the same Secrets crosswise.
func TestOfTwoAppsOneProceedsThoughTheIndexLags(t *testing.T) {
	e := newEnvironment(t)
	e.start(laggingCache)
	for round := range 4 {
		one, other := fmt.Sprintf("one-%d", round), fmt.Sprintf("other-%d", round)
		x, y := fmt.Sprintf("x-%d", round), fmt.Sprintf("y-%d", round)
		var made sync.WaitGroup
		made.Go(func() { e.app(one, frontendSecret(x), backendSecret(y)) })
		made.Go(func() { e.app(other, frontendSecret(y), backendSecret(x)) })
		made.Wait()
		e.oneProceeds(one, other, x)
	}
}

// TestAKeyThatIsHandedOverIsAdoptedThoughTheCacheLags: the Secret is there a moment before the app, and the cache shows it later.
func TestAKeyThatIsHandedOverIsAdoptedThoughTheCacheLags(t *testing.T) {
	e := newEnvironment(t)
	e.start(laggingCache)
	for round := range 4 {
		name, secret := fmt.Sprintf("todo-%d", round), fmt.Sprintf("live-%d", round)
		e.handedOver(secret, byHand, name)
		e.app(name, frontendSecret(secret))
		eventually(t, func() error { return e.has(name, secret) })
		if key, err := e.active(name); err != nil || string(key.Value) != byHand {
			t.Errorf("the key that was handed over is lost (%v)", err)
		}
	}
}

// TestALostProjectionIsRestoredFromThePresentRing: a Secret is deleted right after a revocation that the cache does not show yet.
// It must never hold the revoked key again.
func TestALostProjectionIsRestoredFromThePresentRing(t *testing.T) {
	e := newEnvironment(t)
	values := e.observeSecret("todo-frontend-auth")
	e.start(laggingCache)
	app := e.app("todo")
	old := e.settled("todo")
	e.phase("todo", "Stable", "")
	e.ask(app, "revokeBefore")
	eventually(t, func() error {
		key, err := e.active("todo")
		if err == nil && key == old {
			err = errors.New("the key was not replaced yet")
		}
		return errors.Join(err, e.holds("todo-frontend-auth", string(key.Value)))
	})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo-frontend-auth"}}
	must(t, e.client.Delete(t.Context(), secret))
	e.settled("todo")
	seen := values()
	if replaced := slices.IndexFunc(seen, func(v string) bool { return v != string(old.Value) }); replaced < 0 ||
		slices.Contains(seen[replaced:], string(old.Value)) {
		t.Error("the revoked key is back")
	}
}

// observeSecret records the values that a Secret holds, one after the other. The returned function ends that and returns them.
func (e *environment) observeSecret(name string) func() []string {
	e.t.Helper()
	w := e.watch(&corev1.SecretList{})
	var values []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range w.ResultChan() {
			if secret, ok := event.Object.(*corev1.Secret); ok && secret.Name == name && event.Type != watch.Deleted {
				values = append(values, string(secret.Data[keyring.EntrySecret]))
			}
		}
	}()
	return func() []string {
		w.Stop()
		<-done
		return values
	}
}

// TestTheMarkOfTrimmedObjectsIsNoOnesToSet: a user sets it on the app's own Secrets, and they are read and healed as before.
func TestTheMarkOfTrimmedObjectsIsNoOnesToSet(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	e.app("todo")
	key := e.settled("todo")
	e.quiet(p)
	for _, name := range secretNames {
		e.merge(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}},
			`{"metadata":{"annotations":{"todoapp.dev/trimmed":"true"}}}`)
	}
	e.merge(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo-frontend-auth"}},
		`{"stringData":{"BETTER_AUTH_SECRET":"edited"}}`)
	if now := e.settled("todo"); now != key {
		t.Errorf("key %d is active", now.Version)
	}
	for _, request := range e.quiet(p) {
		if strings.HasPrefix(request, "POST ") {
			t.Errorf("a Secret that exists is created: %s", request)
		}
	}
}
