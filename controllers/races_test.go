package controllers_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
)

// halting is a reader whose first live reads wait after listing the apps, which is the last list of a snapshot.
type halting struct {
	client.Reader
	looks        atomic.Int32
	looked, goOn chan struct{}
}

func (h *halting) List(ctx context.Context, list client.ObjectList, o ...client.ListOption) error {
	err := h.Reader.List(ctx, list, o...)
	if _, apps := list.(*todov1.TodoAppList); apps && h.looks.Add(-1) >= 0 {
		h.looked <- struct{}{}
		<-h.goOn
	}
	return err
}

// halted starts a manager whose first live snapshots, before it writes, send to looked and wait until goOn is called.
func (b *bench) halted(looks int) (p *process, looked <-chan struct{}, goOn func()) {
	h := &halting{looked: make(chan struct{}), goOn: make(chan struct{})}
	h.looks.Store(int32(looks))
	p = b.start(func(r *controllers.Reconciler) { h.Reader, r.Live = r.Live, h })
	goOn = sync.OnceFunc(func() { close(h.goOn) })
	b.t.Cleanup(goOn) // before the manager is stopped, which waits for it
	return p, h.looked, goOn
}

// aboutToWrite makes a manager take a snapshot for a younger app before an older one references the same Secrets. So nothing blocks
// the younger app, and the older one takes precedence.
func (b *bench) aboutToWrite(looks int, younger, elder options) (goOn func()) {
	b.t.Helper()
	app := b.app("elder")
	before := b.start()
	eventually(b.t, func() error { return b.has("elder", "elder-frontend-auth") })
	before.stop()
	eventually(b.t, b.aSecondHasPassed("elder"))
	_, looked, goOn := b.halted(looks)
	b.app("younger", younger...)
	<-looked
	patch := client.MergeFrom(app.DeepCopy())
	for _, change := range elder {
		change(app)
	}
	must(b.t, b.client.Patch(b.t.Context(), app, patch))
	for range looks - 1 {
		<-looked
	}
	return goOn
}

func TestWhatAnotherAppHasJustWrittenIsNotOverwritten(t *testing.T) {
	b := newBench(t)
	goOn := b.aboutToWrite(1, options{backendSecret("shared")}, options{frontendSecret("shared")})
	eventually(t, func() error { return b.has("elder", "shared") })
	goOn()
	eventually(t, func() error { return b.givesWay("younger") })
	must(t, b.has("elder", "shared"))
	b.deleted("elder", "shared")
	within(t, 15*time.Second, func() error { return b.has("younger", "shared") })
}

// If each app had written one of the two Secrets, each would wait for the other.
func TestOfTwoAppsThatWriteCrosswiseAtOnceOneProceeds(t *testing.T) {
	b := newBench(t)
	goOn := b.aboutToWrite(2, options{frontendSecret("y"), backendSecret("x")}, options{frontendSecret("x"), backendSecret("y")})
	goOn()
	b.oneProceeds("elder", "younger", "x")
}

// A manager pauses after it has read that a Secret is missing. Meanwhile another manager creates the Secret, replaces the key and
// stops. Then the first one continues.
func TestAManagerThatWasAwayOverwritesNothing(t *testing.T) {
	b := newBench(t)
	app := b.app("todo")
	first := b.start()
	old := b.settled("todo")
	eventually(t, func() error { return b.has("todo", "todo-frontend-auth") })
	first.stop()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "todo-frontend-auth"}}
	must(t, b.client.Delete(t.Context(), secret))
	away, looked, goOn := b.halted(1)
	<-looked
	meanwhile := b.start()
	b.settled("todo")
	b.ask(app, "revokeBefore")
	eventually(t, func() error {
		if b.settled("todo") == old {
			return errors.New("the key was not replaced yet")
		}
		return nil
	})
	b.quiet(meanwhile)
	meanwhile.stop()
	must(t, b.get(secret.Name, secret))
	written := secret.ResourceVersion
	goOn()
	b.quiet(away)
	must(t, b.get(secret.Name, secret))
	if secret.ResourceVersion != written {
		t.Error("a manager that was away wrote what it had in mind before")
	}
}
