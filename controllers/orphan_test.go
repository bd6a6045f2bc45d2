package controllers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
)

// orphan deletes an app as "kubectl delete --cascade=orphan" does, and then does the work of the garbage collector, which envtest
// lacks: it takes the app's owner reference off every object, lets the app go, and deletes the objects that the app owns all the
// same. It returns the objects that it released.
func (e *environment) orphan(app *todov1.TodoApp) []client.Object {
	e.t.Helper()
	must(e.t, e.client.Delete(e.t.Context(), app, client.PropagationPolicy(metav1.DeletePropagationOrphan)))
	released := e.objects(app.Name)
	for _, object := range released {
		must(e.t, retry.RetryOnConflict(retry.DefaultBackoff, func() error { return e.release(object, app) }))
	}
	e.merge(app, `{"metadata":{"finalizers":null}}`)
	e.gone(app.Name, &todov1.TodoApp{})
	return released
}

// release takes an app's owner reference off an object.
func (e *environment) release(object client.Object, app *todov1.TodoApp) error {
	if err := e.get(object.GetName(), object); err != nil {
		return err
	}
	kept := slices.DeleteFunc(object.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == app.UID })
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": object.GetResourceVersion(), "ownerReferences": kept}})
	if err != nil {
		return err
	}
	return e.client.Patch(e.t.Context(), object, client.RawPatch(types.MergePatchType, patch))
}

// survived says which of an app's released objects the garbage collector would delete, or has been made anew since.
func (e *environment) survived(app *todov1.TodoApp, released []client.Object) {
	e.t.Helper()
	for _, object := range released {
		uid := object.GetUID()
		if err := e.get(object.GetName(), object); err != nil || object.GetUID() != uid {
			e.t.Errorf("%T %s is lost: %v", object, object.GetName(), err)
			continue
		}
		for _, ref := range object.GetOwnerReferences() {
			if ref.UID == app.UID {
				e.t.Errorf("%T %s is owned by the deleted app again: it would be deleted too", object, object.GetName())
			}
		}
	}
}

// laggingApps is a client that remembers an app for a while, as a cache that is behind does.
type laggingApps struct {
	client.Client
	mutex    sync.Mutex
	observed map[client.ObjectKey]lagging
}

type lagging struct {
	app todov1.TodoApp
	at  time.Time
}

func (l *laggingApps) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	app, ok := into.(*todov1.TodoApp)
	if !ok {
		return l.Client.Get(ctx, key, into, options...)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if known, ok := l.observed[key]; ok && time.Since(known.at) < 300*time.Millisecond {
		known.app.DeepCopyInto(app)
		return nil
	}
	if err := l.Client.Get(ctx, key, app, options...); err != nil {
		return err
	}
	l.observed[key] = lagging{*app.DeepCopy(), time.Now()}
	return nil
}

// Fifty apps are deleted with --cascade=orphan while the manager reconciles them. No object of theirs goes with them.
func TestOrphanedObjectsOutliveTheApp(t *testing.T) {
	const apps = 50
	e := newEnvironment(t)
	p := e.start(func(r *controllers.Reconciler) {
		r.Client = &laggingApps{Client: r.Client, observed: map[client.ObjectKey]lagging{}}
	})
	var all []*todov1.TodoApp
	for n := range apps {
		all = append(all, e.app(fmt.Sprintf("todo-%d", n)))
	}
	for _, app := range all {
		e.settled(app.Name)
		eventually(t, func() error { return e.get(app.Name+"-backend", &appsv1.Deployment{}) })
	}
	released := make([][]client.Object, apps)
	var deletions sync.WaitGroup
	for n, app := range all {
		deletions.Go(func() {
			e.merge(app, `{"spec":{"backend":{"port":8001}}}`)
			released[n] = e.orphan(app)
		})
	}
	deletions.Wait()
	e.quiet(p)
	for n, app := range all {
		if len(released[n]) < 6 {
			t.Errorf("%s had %d objects only", app.Name, len(released[n]))
		}
		e.survived(app, released[n])
	}
}

// interrupted is a cache that calls back once, after it was read in a way.
type interrupted struct {
	client.Client
	once sync.Once
	at   string
	then func()
}

// The moments at which a reconcile is interrupted.
const (
	afterApp     = "after the app was read from the cache"
	afterObjects = "after the objects were read from the cache"
	afterLive    = "after the pods were read from the API server"
)

func (i *interrupted) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	err := i.Client.Get(ctx, key, into, options...)
	if _, app := into.(*todov1.TodoApp); app && i.at == afterApp {
		i.once.Do(i.then)
	}
	return err
}

func (i *interrupted) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	err := i.Client.List(ctx, into, options...)
	if _, last := into.(*appsv1.DeploymentList); last && i.at == afterObjects {
		i.once.Do(i.then)
	}
	return err
}

// interruptedLive is an API server that calls back once, after the last list of evidence.
type interruptedLive struct {
	client.Reader
	once sync.Once
	then func()
}

func (i *interruptedLive) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	err := i.Reader.List(ctx, into, options...)
	if _, last := into.(*appsv1.DeploymentList); last {
		i.once.Do(i.then)
	}
	return err
}

// interrupt makes a manager call back once at a moment.
func interrupt(at string, then func()) func(*controllers.Reconciler) {
	return func(r *controllers.Reconciler) {
		if at == afterLive {
			r.Live = &interruptedLive{Reader: r.Live, then: then}
			return
		}
		r.Client = &interrupted{Client: r.Client, at: at, then: then}
	}
}

// The deletion begins and ends between any two reads of a reconcile, and between the last of them and the writes.
func TestNothingIsOwnedAgainAfterADeletionBegan(t *testing.T) {
	for name, c := range map[string]struct {
		patch   string
		moments []string
	}{
		"a Service and a Deployment change": {`{"spec":{"backend":{"port":8001}}}`, []string{afterApp, afterObjects}},
		"the keys change":                   {`{"spec":{"auth":{"rotation":{"rotateAfter":"NOW"}}}}`, []string{afterApp, afterObjects}},
		"an object is no longer desired": {`{"spec":{"frontend":{"secretRef":{"name":"renamed"}}}}`,
			[]string{afterApp, afterObjects, afterLive}},
	} {
		for _, moment := range c.moments {
			t.Run(name+", deleted "+moment, func(t *testing.T) {
				t.Parallel()
				e := newEnvironment(t)
				first := e.start(withPolicies)
				app := e.app("todo")
				e.settled("todo")
				e.quiet(first)
				first.stop()
				e.merge(app, strings.ReplaceAll(c.patch, "NOW", time.Now().UTC().Format(time.RFC3339)))
				released := make(chan []client.Object, 1)
				p := e.start(withPolicies, interrupt(moment, func() { released <- e.orphan(app) }))
				var objects []client.Object
				select {
				case objects = <-released:
				case <-time.After(30 * time.Second):
					t.Fatal("nothing was read at that moment")
				}
				e.quiet(p)
				e.survived(app, objects)
			})
		}
	}
}
