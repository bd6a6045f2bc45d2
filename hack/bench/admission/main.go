// Command admission measures what the webhook adds to an update of a TodoApp, on the cluster that KUBECONFIG names. Two
// equal TodoApps take turns: one in a namespace of its own, one in the operator's, which the webhook leaves out. Updates
// are server-side dry runs, so that nothing follows from them: neither a write nor a reconcile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/manager"
)

// leftOut is a namespace that config/webhook excludes.
const leftOut = "todoapp-system"

// updates are the kinds of update to measure, each sent n times: one that does not reach the webhook, one that it decides
// without a read, and new references, each of which takes an access review and one or more reads of Secrets.
var updates = []struct {
	name string
	body func(app *todov1.TodoApp, n int) string
}{
	{"another interval", func(_ *todov1.TodoApp, n int) string {
		return fmt.Sprintf(`{"spec":{"auth":{"rotation":{"interval":"%dh"}}}}`, 100+n%100)
	}},
	{"a URL without TLS", func(_ *todov1.TodoApp, n int) string {
		return fmt.Sprintf(`{"spec":{"frontend":{"url":"http://%d.localhost"}}}`, n%100)
	}},
	{"a reference to no Secret", func(_ *todov1.TodoApp, n int) string {
		return refer(fmt.Sprintf("bench-%d", n%100))
	}},
	{"a reference to a Secret", func(app *todov1.TodoApp, _ int) string { return refer(held(app)) }},
	{"a variable from a Secret", func(app *todov1.TodoApp, n int) string {
		return fmt.Sprintf(`{"spec":{"frontend":{"env":[{"name":"BENCH","valueFrom":{"secretKeyRef":{"name":%q,"key":"key-%d"}}}]}}}`,
			held(app), n%100)
	}},
}

func refer(secret string) string {
	return fmt.Sprintf(`{"spec":{"frontend":{"secretRef":{"name":%q}}}}`, secret)
}

// held returns the name of the Secret that updates refer to.
func held(app *todov1.TodoApp) string { return app.Name + "-held" }

func main() {
	rate := flag.Float64("rate", 100, "updates per second, of the TodoApp whose turn it is")
	duration := flag.Duration("duration", 30*time.Second, "how long each TodoApp is updated with each kind of update")
	flag.Parse()
	if err := run(*rate, *duration); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(rate float64, duration time.Duration) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard()) // the API server's warnings
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	config.QPS = -1
	scheme, err := manager.Scheme()
	if err != nil {
		return err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	hooked, plain, remove, err := prepare(ctx, c)
	defer func() { err = errors.Join(err, remove()) }()
	if err != nil {
		return err
	}
	fmt.Printf("a read of a Secret, %.0f/s for %s\n", rate, duration)
	took, err := readSecret(ctx, c, client.ObjectKey{Namespace: hooked.Namespace, Name: held(hooked)}, rate, duration)
	if err != nil {
		return err
	}
	show("by itself", at(took, 50), at(took, 99))
	for _, u := range updates {
		load, err := os.ReadFile("/proc/loadavg")
		if err != nil {
			return fmt.Errorf("reading the load: %w", err)
		}
		fmt.Printf("%s, %.0f/s for %s each, load average %s\n", u.name, rate, duration, strings.Fields(string(load))[0])
		both, err := alternate(ctx, c, [2]*todov1.TodoApp{hooked, plain}, u.body, rate, duration)
		if err != nil {
			return fmt.Errorf("%s: %w", u.name, err)
		}
		report(both)
	}
	return nil
}

// prepare creates the two TodoApps and waits until they are ready. The returned function deletes all objects that it created.
func prepare(ctx context.Context, c client.Client) (hooked, plain *todov1.TodoApp, remove func() error, err error) {
	var made []client.Object
	remove = func() error {
		var errs []error
		for _, object := range made {
			errs = append(errs, client.IgnoreNotFound(c.Delete(context.WithoutCancel(ctx), object)))
		}
		return errors.Join(errs...)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-"}}
	if err := c.Create(ctx, namespace); err != nil {
		return nil, nil, remove, fmt.Errorf("making a namespace: %w", err)
	}
	made = append(made, namespace)
	apps := [2]*todov1.TodoApp{}
	for i, in := range []string{namespace.Name, leftOut} {
		app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: namespace.Name}}
		app.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{ReclaimPolicy: "Delete"}
		if err := c.Create(ctx, app); err != nil {
			return nil, nil, remove, fmt.Errorf("making a TodoApp: %w", err)
		}
		made, apps[i] = append(made, app), app
	}
	for _, app := range apps {
		if err := awaitReady(ctx, c, app); err != nil {
			return nil, nil, remove, err
		}
		secret, err := hold(ctx, c, app)
		if err != nil {
			return nil, nil, remove, err
		}
		made = append(made, secret)
	}
	return apps[0], apps[1], remove, nil
}

// hold makes a Secret with the app's own key and the mark that hands it over, so that the app may refer to it.
func hold(ctx context.Context, c client.Client, app *todov1.TodoApp) (client.Object, error) {
	var own corev1.Secret
	if err := c.Get(ctx, client.ObjectKey{Namespace: app.Namespace, Name: desired.BackendSecret(app)}, &own); err != nil {
		return nil, fmt.Errorf("reading the app's key: %w", err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: held(app),
			Annotations: map[string]string{todov1.AnnotationAdopt: app.Name}},
		Data: map[string][]byte{keyring.EntrySecret: own.Data[keyring.EntrySecret]},
	}
	if err := c.Create(ctx, secret); err != nil {
		return nil, fmt.Errorf("making a Secret to refer to: %w", err)
	}
	return secret, nil
}

func awaitReady(ctx context.Context, c client.Client, app *todov1.TodoApp) error {
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		err := c.Get(ctx, client.ObjectKeyFromObject(app), app)
		return meta.IsStatusConditionTrue(app.Status.Conditions, todov1.ConditionReady), err
	})
	if err != nil {
		return fmt.Errorf("waiting for a TodoApp: %w", err)
	}
	return nil
}
