package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// creators is the number of clients that create or change TodoApps at the same time.
const creators = 16

// shape completes the spec of a TodoApp.
type shape func(*todov1.TodoApp)

// small is the app of an empty spec: the embedded API on SQLite, and no frontend.
func small(*todov1.TodoApp) {}

// full is an app with a frontend, the embedded API on PostgreSQL, and an Ingress.
func full(app *todov1.TodoApp) {
	app.Spec.Frontend.Image = "frontend:bench"
	app.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: todov1.SecretKeyReference{
		SecretReference: todov1.SecretReference{Name: "database"}, Key: "url",
	}}
	app.Spec.Ingress = &todov1.IngressSpec{Host: app.Name + "." + app.Namespace + ".example.com"}
}

// fleet is a number of TodoApps that are created and changed together.
type fleet []types.NamespacedName

// fleetOf returns the names of apps in a namespace.
func fleetOf(namespace, prefix string, n int) fleet {
	apps := make(fleet, n)
	for i := range apps {
		apps[i] = types.NamespacedName{Namespace: namespace, Name: fmt.Sprintf("%s-%d", prefix, i)}
	}
	return apps
}

// each calls a function for each app, several at once.
func (f fleet) each(ctx context.Context, do func(context.Context, types.NamespacedName) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for _, name := range f {
		group.Go(func() error { return do(ctx, name) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("changing TodoApps: %w", err)
	}
	return nil
}

// create creates the apps.
func (e *environment) create(ctx context.Context, apps fleet, of shape) error {
	return apps.each(ctx, func(ctx context.Context, name types.NamespacedName) error {
		app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
		of(app)
		return e.insist(ctx, func(ctx context.Context) error {
			return client.IgnoreAlreadyExists(e.client.Create(ctx, app.DeepCopy()))
		})
	})
}

// merge applies a merge patch to the apps.
func (e *environment) merge(ctx context.Context, apps fleet, patch string) error {
	return apps.each(ctx, func(ctx context.Context, name types.NamespacedName) error {
		app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
		return e.insist(ctx, func(ctx context.Context) error {
			return e.client.Patch(ctx, app, client.RawPatch(types.MergePatchType, []byte(patch)))
		})
	})
}

// insist sends a request, and sends it again until it succeeds if the API server may be away.
func (e *environment) insist(ctx context.Context, send func(context.Context) error) error {
	if !e.disturbed {
		return send(ctx)
	}
	return poll(ctx, patient, 200*time.Millisecond, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return send(ctx)
	})
}

// moment returns a merge patch that sets a moment of the rotation, such as rotateAfter, to a second ago.
func moment(field string) string {
	return fmt.Sprintf(`{"spec":{"auth":{"rotation":{"%s":"%s"}}}}`, field, time.Now().UTC().Format(time.RFC3339))
}

// check reports whether an app has come as far as expected.
type check func(*todov1.TodoApp) bool

// described reports whether the operator has made the app's keys and written its status.
func described(app *todov1.TodoApp) bool {
	return app.Status.ObservedGeneration == app.Generation && len(app.Status.Keys) > 0 && len(app.Status.Conditions) > 0
}

// isReady reports whether all pods of the app are ready.
func isReady(app *todov1.TodoApp) bool {
	return described(app) && apimeta.IsStatusConditionTrue(app.Status.Conditions, todov1.ConditionReady)
}

// signsWith returns a check that a version is active.
func signsWith(version int64) check {
	return func(app *todov1.TodoApp) bool {
		for _, key := range app.Status.Keys {
			if key.Version == version {
				return key.State == todov1.KeyActive
			}
		}
		return false
	}
}

// madeBefore returns a check that the active key was made before the present second. A rotation is asked for by a moment, to the
// second, and replaces no key that was made then or later.
func madeBefore(now func() time.Time) check {
	return func(app *todov1.TodoApp) bool {
		for _, key := range app.Status.Keys {
			if key.State == todov1.KeyActive {
				return key.CreatedAt.Time.Before(now().Truncate(time.Second))
			}
		}
		return false
	}
}

// drains returns a check that a version is active and that the rotation waits for nothing but the end of old tokens.
func drains(version int64) check {
	return func(app *todov1.TodoApp) bool {
		return signsWith(version)(app) && app.Status.Rotation != nil && app.Status.Rotation.Phase == todov1.RotationDraining
	}
}

// await waits until all apps pass a check. It prints how many have passed from time to time. Its error has the status of an app
// that has not.
func (e *environment) await(ctx context.Context, what string, apps fleet, within time.Duration, passed check) error {
	told := time.Now()
	err := poll(ctx, within, 200*time.Millisecond, func(ctx context.Context) error {
		n, late := 0, (*todov1.TodoApp)(nil)
		for _, name := range apps {
			app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
			if e.cache.Get(ctx, name, app, client.UnsafeDisableDeepCopy) == nil && passed(app) {
				n++
			} else {
				late = app
			}
		}
		if time.Since(told) > 15*time.Second {
			told = time.Now()
			progress("%d of %d apps are %s", n, len(apps), what)
		}
		if n == len(apps) {
			return nil
		}
		return fmt.Errorf("%d of %d apps are %s, not %s: %s", n, len(apps), what, client.ObjectKeyFromObject(late), describe(late))
	})
	if err != nil {
		return fmt.Errorf("waiting for apps: %w", err)
	}
	return nil
}

// describe returns the state of an app's keys, its rotation and its conditions.
func describe(app *todov1.TodoApp) string {
	text, err := json.Marshal(map[string]any{
		"keys": app.Status.Keys, "rotation": app.Status.Rotation, "conditions": app.Status.Conditions,
	})
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// took returns how long it takes until one app passes a check, at a precision of some milliseconds.
func took(ctx context.Context, app types.NamespacedName, passed func() bool) (time.Duration, error) {
	begin := time.Now()
	err := poll(ctx, patient, 2*time.Millisecond, func(context.Context) error {
		if passed() {
			return nil
		}
		return fmt.Errorf("%s is not there yet", app)
	})
	return time.Since(begin), err
}

// passes returns a function that reports whether an app passes a check now.
func (e *environment) passes(ctx context.Context, name types.NamespacedName, passed check) func() bool {
	return func() bool {
		var app todov1.TodoApp
		return e.cache.Get(ctx, name, &app) == nil && passed(&app)
	}
}

// quiet is how long the operator must send no request to count as settled.
const quiet = 2 * time.Second

// idleCPU is the CPU time in seconds that the operator may use while it counts as settled.
const idleCPU = 0.1

// settle waits until the operator sends no requests and uses no CPU.
func (e *environment) settle(ctx context.Context, within time.Duration) error {
	last, used, since := e.audit.mark(), e.manager.cpu(), time.Now()
	err := poll(ctx, within, 100*time.Millisecond, func(context.Context) error {
		mark, cpu := e.audit.mark(), e.manager.cpu()
		if mark != last || cpu-used > idleCPU {
			last, used, since = mark, cpu, time.Now()
		}
		if time.Since(since) < quiet {
			return fmt.Errorf("the operator still sends requests")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the operator: %w", err)
	}
	return nil
}
