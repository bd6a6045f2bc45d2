package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// The life of an app, from its creation through a rotation and a revocation, is repeated for every write of the manager: once
// with the manager killed before that write, and once with that write failing, in every fourth life with a cache that lags. It
// always ends the same way.

var errDisturbed = errors.New("disturbed by the test")

// crash makes the nth write and all requests after it fail, as for a process that was killed before it. Then it closes gone.
func crash(nth int) (disturb func(int) error, gone <-chan struct{}) {
	c := make(chan struct{})
	once := sync.OnceFunc(func() { close(c) })
	return func(writes int) error {
		if writes < nth {
			return nil
		}
		once()
		return errDisturbed
	}, c
}

// fail makes only the nth write fail.
func fail(nth int) func(int) error {
	var once sync.Once
	return func(writes int) error {
		var err error
		if writes == nth {
			once.Do(func() { err = errDisturbed })
		}
		return err
	}
}

func TestEveryWriteMayBeTheLast(t *testing.T) {
	total := measureLife(t)
	if total < 20 {
		t.Fatalf("a whole life took %d writes: the test does not see what the manager writes", total)
	}
	t.Logf("a life of an app takes %d writes, status included; each of them is made to fail in two ways", total)
	slots := make(chan struct{}, 6)
	for n := 1; n <= total; n++ {
		t.Run(fmt.Sprintf("killed before write %d", n), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			e := newEnvironment(t)
			disturb, gone := crash(n)
			p := e.startDisturbed(disturb)
			go func() {
				<-gone
				p.stop()
				e.start()
			}()
			e.live()
		})
		var lag []func(*controllers.Reconciler)
		if n%4 == 0 { // such a life takes four times as long
			lag = append(lag, laggingCache)
		}
		t.Run(fmt.Sprintf("write %d fails", n), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			e := newEnvironment(t)
			e.startDisturbed(fail(n), lag...)
			e.live()
		})
	}
}

func measureLife(t *testing.T) int {
	e := newEnvironment(t)
	p := e.start()
	e.live()
	p.requests.Lock()
	defer p.requests.Unlock()
	return p.requests.writes
}

// The status must not list a key that could not be stored, because a reader would take it for one that exists.
func TestTheStatusTellsOfStoredKeysAlone(t *testing.T) {
	e := newEnvironment(t)
	e.start(func(r *controllers.Reconciler) { r.Client = unableToCreate{r.Client} })
	e.app("todo")
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonApplyFailed)
	})
	var app todov1.TodoApp
	must(t, e.get("todo", &app))
	if app.Status.Keys != nil || app.Status.Rotation != nil {
		t.Errorf("without a keyring the status tells of keys %v and rotation %v", app.Status.Keys, app.Status.Rotation)
	}
}

// unableToCreate is a client whose creations fail.
type unableToCreate struct{ client.Client }

func (unableToCreate) Create(context.Context, client.Object, ...client.CreateOption) error {
	return errDisturbed
}

// live creates an app, rotates its key and then revokes all, and checks that nothing was lost or made twice.
func (e *environment) live() {
	e.t.Helper()
	history := e.observeKeys()
	go e.playDeploymentController("todo-frontend")
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Spec.Backend.Replicas = new(int32(2))
		a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: "db"}, Key: "url"}}
	})
	e.settled("todo")
	e.verifier(app, "todo-backend-a")
	e.phase("todo", "Stable", "")
	e.ask(app, "rotateAfter")
	e.phase("todo", "Draining", "")
	e.ask(app, "revokeBefore")
	eventually(e.t, func() error {
		key, err := e.active("todo")
		if err == nil && key.Version != 3 {
			err = fmt.Errorf("key %d is active", key.Version)
		}
		return err
	})
	e.settled("todo")
	e.phase("todo", "Stable", "")
	history(e.t)
}

// observeKeys records every key that any Secret of the namespace ever holds. The returned function checks that no version had two
// values.
func (e *environment) observeKeys() func(*testing.T) {
	e.t.Helper()
	var mutex sync.Mutex
	values := map[int64]map[keyring.Value]bool{}
	w := e.watch(&corev1.SecretList{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range w.ResultChan() {
			secret, ok := event.Object.(*corev1.Secret)
			if !ok {
				continue
			}
			mutex.Lock()
			for version, value := range keysIn(secret) {
				if values[version] == nil {
					values[version] = map[keyring.Value]bool{}
				}
				values[version][value] = true
			}
			mutex.Unlock()
		}
	}()
	return func(t *testing.T) {
		w.Stop()
		<-done
		if len(values) != 3 {
			t.Errorf("there were %d keys, not 3", len(values))
		}
		for version, different := range values {
			if len(different) != 1 {
				t.Errorf("version %d had %d values", version, len(different))
			}
		}
	}
}

// keysIn returns the keys of a keyring or of a projection.
func keysIn(secret *corev1.Secret) map[int64]keyring.Value {
	keys := map[int64]keyring.Value{}
	if ring, err := keyring.Unmarshal(secret.Data); err == nil {
		for _, k := range ring.Keys {
			keys[k.Version] = k.Value
		}
	}
	if entries, err := keyring.ParseList(string(secret.Data[keyring.EntrySecrets])); err == nil {
		for _, e := range entries {
			keys[e.Version] = e.Value
		}
	}
	return keys
}

// playDeploymentController replaces the pods of a Deployment if its template has other keys.
func (e *environment) playDeploymentController(name string) {
	ticker := time.NewTicker(30 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-e.t.Context().Done():
			return
		case <-ticker.C:
		}
		var d appsv1.Deployment
		if e.get(name, &d) != nil {
			continue
		}
		keys := d.Spec.Template.Annotations[todov1.AnnotationKeys]
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: e.namespace, Name: fmt.Sprintf("%s-%d", name, d.Generation), Labels: d.Spec.Template.Labels,
				Annotations: map[string]string{todov1.AnnotationKeys: keys},
			},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "main"}}},
		}
		_ = e.client.Create(e.t.Context(), pod) // it may be there already
		var pods corev1.PodList
		_ = e.client.List(e.t.Context(), &pods, client.InNamespace(e.namespace), client.MatchingLabels(d.Spec.Selector.MatchLabels))
		for i := range pods.Items {
			if pods.Items[i].Annotations[todov1.AnnotationKeys] != keys {
				_ = e.client.Delete(e.t.Context(), &pods.Items[i], client.GracePeriodSeconds(0))
			}
		}
	}
}

func TestAStaleCacheDecidesNothing(t *testing.T) {
	e := newEnvironment(t)
	e.start(func(r *controllers.Reconciler) {
		r.Client = &stale{Client: r.Client, observed: map[string]memory{}}
	})
	e.live()
}

// stale is a client whose reads are up to half a second old, except those of the app itself, whose events start a reconcile.
type stale struct {
	client.Client
	mutex    sync.Mutex
	observed map[string]memory
}

type memory struct {
	object runtime.Object
	err    error
	at     time.Time
}

func (s *stale) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if _, app := into.(*todov1.TodoApp); app {
		return s.Client.Get(ctx, key, into, options...)
	}
	return s.remember(fmt.Sprintf("%T %s", into, key), into, func() error { return s.Client.Get(ctx, key, into, options...) })
}

func (s *stale) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	return s.remember(fmt.Sprintf("%T %v", into, options), into, func() error { return s.Client.List(ctx, into, options...) })
}

func (s *stale) remember(key string, into runtime.Object, read func() error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if known, ok := s.observed[key]; ok && time.Since(known.at) < 500*time.Millisecond {
		reflect.ValueOf(into).Elem().Set(reflect.ValueOf(known.object.DeepCopyObject()).Elem())
		return known.err
	}
	err := read()
	s.observed[key] = memory{into.DeepCopyObject(), err, time.Now()}
	return err
}
