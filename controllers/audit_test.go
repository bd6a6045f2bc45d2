package controllers_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// lines holds the lines that a manager has logged.
type lines struct {
	sync.Mutex
	all []string
}

func (l *lines) logger(verbosity int) logr.Logger {
	return funcr.New(func(_, args string) {
		l.Lock()
		defer l.Unlock()
		l.all = append(l.all, args)
	}, funcr.Options{Verbosity: verbosity})
}

// count returns how many lines hold all of some texts.
func (l *lines) count(texts ...string) int {
	l.Lock()
	defer l.Unlock()
	n := 0
	for _, line := range l.all {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			n++
		}
	}
	return n
}

// reconciled runs reconciles of an app, with a logger, until one has nothing more to write at once.
func (e *environment) reconciled(r *controllers.Reconciler, logger logr.Logger) {
	e.t.Helper()
	ctx := log.IntoContext(e.t.Context(), logger)
	for range 12 {
		var app todov1.TodoApp
		must(e.t, e.client.Get(ctx, types.NamespacedName{Namespace: e.namespace, Name: "todo"}, &app))
		result, err := r.Reconcile(ctx, &app)
		must(e.t, err)
		if result.RequeueAfter == 0 || result.RequeueAfter.Seconds() > 1 {
			return
		}
	}
}

// withoutIndexes is a client that answers from the API server what the controller asks an index of the cache for.
type withoutIndexes struct{ client.Client }

func (w withoutIndexes) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var asked client.ListOptions
	asked.ApplyOptions(options)
	if asked.FieldSelector == nil {
		return w.Client.List(ctx, list, options...)
	}
	if app, ok := asked.FieldSelector.RequiresExactMatch("app"); ok {
		return w.Client.List(ctx, list, client.InNamespace(asked.Namespace), client.MatchingLabels{todov1.LabelApp: app})
	}
	secret, _ := asked.FieldSelector.RequiresExactMatch(desired.IndexNamedSecrets)
	err := w.Client.List(ctx, list, client.InNamespace(asked.Namespace))
	if apps, ok := list.(*todov1.TodoAppList); ok {
		apps.Items = slices.DeleteFunc(apps.Items, func(a todov1.TodoApp) bool {
			return !slices.Contains(desired.NamedSecrets(&a), secret)
		})
	}
	return err
}

// The log tells of each key once, by its version, and of a blocker when it comes and when it goes.
func TestTheLogIsAnAuditTrail(t *testing.T) {
	e := newEnvironment(t)
	reconciler := make(chan *controllers.Reconciler, 1)
	p := e.start(func(r *controllers.Reconciler) { reconciler <- r })
	r := <-reconciler
	e.app("todo")
	key := e.settled("todo")
	e.quiet(p) // the cache has shown all writes
	p.stop()
	e.remove(secretNames...)
	r.Client, r.Live = withoutIndexes{e.client}, e.client // no cache, and no manager: reconciles come one by one
	var logged lines
	e.reconciled(r, logged.logger(1))
	fresh := e.settled("todo")
	if n := logged.count(`"key created"`, `"version"=1`); n != 1 {
		t.Errorf("%d lines tell of the first key: %q", n, logged.all)
	}
	e.pod(e.read(), todov1.ComponentBackend, "todo-backend-a", nil)
	e.merge(e.read(), `{"spec":{"auth":{"rotation":{"rotateAfter":"2020-01-01T00:00:00Z","interval":"1h"}}}}`)
	r.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	e.reconciled(r, logged.logger(1))
	e.reconciled(r, logged.logger(1))
	if n := logged.count(`"key published"`, `"version"=2`); n != 1 {
		t.Errorf("%d lines tell of the published key: %q", n, logged.all)
	}
	if logged.count(`"waiting"`, "todo-backend-a") == 0 {
		t.Errorf("no line tells what the rotation waits for: %q", logged.all)
	}
	e.blocks(r, &logged)
	for _, value := range []keyring.Value{key.Value, fresh.Value} {
		if logged.count(string(value)) > 0 {
			t.Error("the log shows a key")
		}
	}
}

// blocks makes the keyring unreadable, and readable again by deleting it.
func (e *environment) blocks(r *controllers.Reconciler, logged *lines) {
	e.t.Helper()
	secret := e.backup("todo-keyring")[0]
	secret.Data[keyring.StorageKey] = []byte("junk")
	must(e.t, e.client.Update(e.t.Context(), secret))
	e.reconciled(r, logged.logger(0))
	e.reconciled(r, logged.logger(0))
	if n := logged.count(`"blocked"`, todov1.ReasonKeyringUnreadable); n != 1 {
		e.t.Errorf("%d lines tell of the blocker: %q", n, logged.all)
	}
	secret = e.backup("todo-keyring")[0]
	secret.Data[keyring.StorageKey] = []byte(`[{"version":1}]`)
	must(e.t, e.client.Update(e.t.Context(), secret))
	e.reconciled(r, logged.logger(0))
	e.reconciled(r, logged.logger(0))
	if n := logged.count(`"blocked"`, "the key after version 0 is incomplete"); n != 1 {
		e.t.Errorf("%d lines tell of the other cause: %q", n, logged.all)
	}
	e.remove("todo-keyring")
	e.reconciled(r, logged.logger(0))
	if n := logged.count(`"no longer blocked"`, todov1.ReasonKeyringUnreadable); n != 1 {
		e.t.Errorf("%d lines tell that the blocker is gone: %q", n, logged.all)
	}
}

// read returns the app as it is now.
func (e *environment) read() *todov1.TodoApp {
	e.t.Helper()
	app := &todov1.TodoApp{}
	must(e.t, e.get("todo", app))
	return app
}
