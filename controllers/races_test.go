package controllers_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
)

// halting is a cache that waits once for each of some apps: after the list of Deployments, which is the last list of a snapshot, if
// the cache has the app's given generation.
type halting struct {
	client.Client
	mutex        sync.Mutex
	generations  map[string]int64
	looked, goOn chan struct{}
}

func (h *halting) List(ctx context.Context, list client.ObjectList, o ...client.ListOption) error {
	err := h.Client.List(ctx, list, o...)
	var asked client.ListOptions
	asked.ApplyOptions(o)
	if _, last := list.(*appsv1.DeploymentList); last && asked.FieldSelector != nil {
		name, _ := asked.FieldSelector.RequiresExactMatch("app")
		h.halt(ctx, client.ObjectKey{Namespace: asked.Namespace, Name: name})
	}
	return err
}

func (h *halting) halt(ctx context.Context, key client.ObjectKey) {
	var app todov1.TodoApp
	if h.Get(ctx, key, &app) != nil {
		return
	}
	h.mutex.Lock()
	generation, ok := h.generations[key.Name]
	if ok = ok && app.Generation >= generation; ok {
		delete(h.generations, key.Name)
	}
	h.mutex.Unlock()
	if ok {
		h.looked <- struct{}{}
		<-h.goOn
	}
}

// halted starts a manager whose first snapshot of each app with its given generation sends to looked, and waits until goOn is
// called.
func (e *environment) halted(generations map[string]int64) (p *process, looked <-chan struct{}, goOn func()) {
	h := &halting{generations: generations, looked: make(chan struct{}), goOn: make(chan struct{})}
	p = e.start(func(r *controllers.Reconciler) { h.Client, r.Client = r.Client, h })
	goOn = sync.OnceFunc(func() { close(h.goOn) })
	e.t.Cleanup(goOn) // before the manager is stopped, which waits for it
	return p, h.looked, goOn
}

// aboutToWrite makes a manager take a snapshot for a younger app before an older one references the same Secrets. So nothing blocks
// the younger app, and the older one takes precedence.
func (e *environment) aboutToWrite(generations map[string]int64, younger, elder options) (goOn func()) {
	e.t.Helper()
	app := e.app("elder")
	before := e.start()
	eventually(e.t, func() error { return e.has("elder", "elder-frontend-auth") })
	before.stop()
	eventually(e.t, e.aSecondHasPassed("elder"))
	others := len(generations) - 1
	_, looked, goOn := e.halted(generations)
	e.app("younger", younger...)
	<-looked
	patch := client.MergeFrom(app.DeepCopy())
	for _, change := range elder {
		change(app)
	}
	must(e.t, e.client.Patch(e.t.Context(), app, patch))
	for range others {
		<-looked
	}
	return goOn
}

func TestWhatAnotherAppHasJustWrittenIsNotOverwritten(t *testing.T) {
	e := newEnvironment(t)
	goOn := e.aboutToWrite(map[string]int64{"younger": 1}, options{backendSecret("shared")}, options{frontendSecret("shared")})
	eventually(t, func() error { return e.has("elder", "shared") })
	goOn()
	eventually(t, func() error { return e.givesWay("younger") })
	must(t, e.has("elder", "shared"))
	e.deleted("elder", "shared")
	within(t, 15*time.Second, func() error { return e.has("younger", "shared") })
}

// If each app had written one of the two Secrets, each would wait for the other.
func TestOfTwoAppsThatWriteCrosswiseAtOnceOneProceeds(t *testing.T) {
	e := newEnvironment(t)
	goOn := e.aboutToWrite(map[string]int64{"younger": 1, "elder": 2},
		options{frontendSecret("y"), backendSecret("x")}, options{frontendSecret("x"), backendSecret("y")})
	goOn()
	e.oneProceeds("elder", "younger", "x")
}

// A manager pauses after it has read that a Secret is missing. Meanwhile another manager creates the Secret, replaces the key and
// stops. Then the first one continues.
func TestAManagerThatWasAwayOverwritesNothing(t *testing.T) {
	e := newEnvironment(t)
	app := e.app("todo")
	first := e.start()
	old := e.settled("todo")
	eventually(t, func() error { return e.has("todo", "todo-frontend-auth") })
	first.stop()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo-frontend-auth"}}
	must(t, e.client.Delete(t.Context(), secret))
	away, looked, goOn := e.halted(map[string]int64{"todo": 1})
	<-looked
	meanwhile := e.start()
	e.settled("todo")
	e.ask(app, "revokeBefore")
	eventually(t, func() error {
		if e.settled("todo") == old {
			return errors.New("the key was not replaced yet")
		}
		return nil
	})
	e.quiet(meanwhile)
	meanwhile.stop()
	must(t, e.get(secret.Name, secret))
	written := secret.ResourceVersion
	goOn()
	e.quiet(away)
	must(t, e.get(secret.Name, secret))
	if secret.ResourceVersion != written {
		t.Error("a manager that was away wrote what it had in mind before")
	}
}
