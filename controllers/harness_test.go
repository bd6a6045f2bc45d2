package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/manager"
	"github.com/todoapp-operator/todoapp-operator/internal/testenv"
)

var apiServer *rest.Config

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard()) // what matters is in the state of the world
	testenv.Main(m, func(c *rest.Config) { apiServer = c })
}

// environment is one namespace with a client of its own and, once started, a manager.
type environment struct {
	t         *testing.T
	client    client.Client
	namespace string
	// shard limits the managers that are started; nil for all apps.
	shard labels.Selector
}

var serial = struct {
	sync.Mutex
	n int
}{}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	scheme, err := manager.Scheme()
	must(t, err)
	c, err := client.New(apiServer, client.Options{Scheme: scheme})
	must(t, err)
	serial.Lock()
	serial.n++
	e := &environment{t: t, client: c, namespace: fmt.Sprintf("test-%d", serial.n)}
	serial.Unlock()
	must(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace}}))
	t.Cleanup(func() { // without a garbage collector they would use up the cluster IPs of all tests
		must(t, c.DeleteAllOf(context.Background(), &corev1.Service{}, client.InNamespace(e.namespace)))
	})
	return e
}

// process is one life of a manager.
type process struct {
	requests *recorder
	stop     func()
}

// start runs a manager for the environment's namespace until the test ends or it is stopped.
func (e *environment) start(change ...func(*controllers.Reconciler)) *process {
	e.t.Helper()
	return e.startDisturbed(nil, change...)
}

// startDisturbed runs a manager whose requests fail, from its first write on, with what disturb says of the count of
// writes so far.
func (e *environment) startDisturbed(disturb func(writes int) error, change ...func(*controllers.Reconciler)) *process {
	e.t.Helper()
	scheme, err := manager.Scheme()
	must(e.t, err)
	caches, err := controllers.CacheOptions()
	must(e.t, err)
	caches.DefaultNamespaces = namespaced(e.namespace)
	if e.shard != nil {
		controllers.InShard(&caches, e.shard)
	}
	requests := &recorder{disturb: disturb}
	cfg := rest.CopyConfig(apiServer)
	cfg.QPS, cfg.Burst = 1000, 1000
	cfg.Wrap(requests.wrap)
	turns := &controllers.Turns{}
	cfg.Wrap(turns.Wrap)
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme, Cache: caches, Metrics: server.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Controller: config.Controller{SkipNameValidation: new(true), MaxConcurrentReconciles: 4},
	})
	must(e.t, err)
	r := &controllers.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Events: &events.FakeRecorder{},
		Images: desired.Images{TaskAPI: "todoapp-operator:test"}, Verifiers: controllers.NewVerifiers(),
		Rotations: controllers.NewRotations(32), Turns: turns, Now: time.Now, NewKey: freshKey, Shard: e.shard,
	}
	for _, c := range change {
		c(r)
	}
	must(e.t, r.SetupWithManager(mgr))
	ctx, cancel := context.WithCancel(e.t.Context())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Errorf("manager: %v", err)
		}
	})
	e.t.Cleanup(stop)
	return &process{requests, stop}
}

var keys = struct {
	sync.Mutex
	n byte
}{}

// freshKey gives a different key each time, none of them random.
func freshKey() keyring.Value {
	keys.Lock()
	defer keys.Unlock()
	keys.n++
	return keyring.Generate([32]byte{keys.n})
}

// recorder notes the requests of a manager that read or write objects one by one, watches left out.
type recorder struct {
	sync.Mutex
	observed []string
	// writes counts those that change something; disturb decides what becomes of the nth.
	writes  int
	disturb func(n int) error
}

func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(q *http.Request) (*http.Response, error) {
		if err := r.note(q); err != nil {
			return nil, err
		}
		return next.RoundTrip(q)
	})
}

func (r *recorder) note(q *http.Request) error {
	if q.URL.Query().Get("watch") != "" || q.URL.Query().Get("resourceVersion") == "0" {
		return nil
	}
	r.Lock()
	defer r.Unlock()
	r.observed = append(r.observed, q.Method+" "+q.URL.Path)
	if q.Method != http.MethodGet {
		r.writes++
	}
	if r.disturb == nil || r.writes == 0 {
		return nil
	}
	return r.disturb(r.writes)
}

// take returns what was noted since the last time.
func (r *recorder) take() []string {
	r.Lock()
	defer r.Unlock()
	observed := r.observed
	r.observed = nil
	return observed
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually awaits a condition, and fails with what was last wrong with it.
func eventually(t *testing.T, wrong func() error) {
	t.Helper()
	within(t, time.Minute, wrong)
}

// within is the same for what has to come sooner.
func within(t *testing.T, waitWarningAfter time.Duration, wrong func() error) {
	t.Helper()
	deadline := time.Now().Add(waitWarningAfter)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := wrong()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-ticker.C
	}
}

// app makes a TodoApp in the environment's namespace.
func (e *environment) app(name string, change ...func(*todov1.TodoApp)) *todov1.TodoApp {
	e.t.Helper()
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}}
	for _, c := range change {
		c(app)
	}
	must(e.t, e.client.Create(e.t.Context(), app))
	return app
}

// merge changes a live object as kubectl patch does.
func (e *environment) merge(object client.Object, patch string) {
	e.t.Helper()
	must(e.t, e.client.Patch(e.t.Context(), object, client.RawPatch(types.MergePatchType, []byte(patch))))
}

// watch follows the namespace's objects of a kind, until it is stopped or the test ends.
func (e *environment) watch(kind client.ObjectList) watch.Interface {
	e.t.Helper()
	watching, err := client.NewWithWatch(rest.CopyConfig(apiServer), client.Options{Scheme: e.client.Scheme()})
	must(e.t, err)
	w, err := watching.Watch(e.t.Context(), kind, client.InNamespace(e.namespace))
	must(e.t, err)
	return w
}

func (e *environment) get(name string, object client.Object) error {
	return e.client.Get(e.t.Context(), client.ObjectKey{Namespace: e.namespace, Name: name}, object)
}

// active is the version and value of the key that an app's keyring has active.
func (e *environment) active(app string) (keyring.Key, error) {
	var secret corev1.Secret
	if err := e.get(app+"-keyring", &secret); err != nil {
		return keyring.Key{}, err
	}
	ring, err := keyring.Unmarshal(secret.Data)
	if err != nil {
		return keyring.Key{}, err
	}
	key, _ := ring.Active()
	return key, nil
}

func namespaced(namespace string) map[string]cache.Config {
	return map[string]cache.Config{namespace: {}}
}

// settled awaits that both projections of an app hold its active key.
func (e *environment) settled(app string) keyring.Key {
	e.t.Helper()
	var key keyring.Key
	eventually(e.t, func() error {
		var err error
		if key, err = e.active(app); err != nil {
			return err
		}
		for _, side := range []string{"-frontend-auth", "-backend-auth"} {
			var secret corev1.Secret
			if err := e.get(app+side, &secret); err != nil {
				return err
			}
			if string(secret.Data[keyring.EntrySecret]) != string(key.Value) {
				return fmt.Errorf("%s%s does not hold key %d", app, side, key.Version)
			}
		}
		return nil
	})
	return key
}

// quiet awaits that a manager has sent nothing for a while, and returns what it sent until then.
func (e *environment) quiet(p *process) []string {
	e.t.Helper()
	var sent []string
	for since := time.Now(); time.Since(since) < time.Second; {
		ticker := time.NewTimer(50 * time.Millisecond)
		<-ticker.C
		if more := p.requests.take(); len(more) > 0 {
			sent, since = append(sent, more...), time.Now()
		}
	}
	return sent
}
