//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/load"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	// previousChart is the chart of the previous release, which previous.sh builds together with its image.
	previousChart = "../../bin/previous/charts/todoapp-operator"
	presentChart  = "../../charts/todoapp-operator"
	// sqliteGap bounds how long an app with SQLite may not answer while its only pod is replaced.
	sqliteGap = 5 * time.Second
)

// TestUpgrade installs the previous release, upgrades it, uninstalls it and installs it again, all under load.
func TestUpgrade(t *testing.T) {
	e := newEnvironment(t)
	e.program("./previous.sh")
	t.Cleanup(func() { // restores the operator for the tests that follow
		if output, err := command(context.Background(), "../install.sh"); err != nil {
			t.Errorf("installing the operator again: %v\n%s", err, output)
		}
	})
	e.uninstall()
	e.install(previousChart, "previous")
	r := &release{runningApps: runningAppsIn(e)}
	r.adopt()
	for _, scenario := range []struct {
		name string
		run  func(*release)
	}{
		{"upgrade", (*release).upgraded},
		{"other managers", (*release).exchanged},
		{"uninstall and install", (*release).reinstalled},
		{"check", (*release).checked},
		{"some namespaces", (*release).confined},
	} {
		if !t.Run(scenario.name, func(t *testing.T) {
			started := time.Now()
			r.environment = &environment{t, e.namespace}
			scenario.run(r)
			t.Logf("played in %.0f s", time.Since(started).Seconds())
		}) {
			return // later scenarios depend on it
		}
	}
	r.keys.check(e)
	r.environment = e
	r.sum(r.users)
}

// release is the operator as Helm installed it, with apps in use.
type release struct {
	*runningApps
	// adopted is an app whose Secrets were made by hand, and adopted by the previous release.
	adopted *todov1.TodoApp
	// replaced forgives requests that got no answer because the only pod with SQLite was replaced.
	replaced forgiven
}

// adopt lets the previous release adopt two Secrets that were made by hand. That release required no label on them.
func (r *release) adopt() {
	r.Helper()
	for _, name := range adoptedSecrets {
		r.secret(name, keyring.EntrySecret, "SBqFbnNvG8XMCsPwwQ3bTeRkYJd5xhL2")
	}
	r.adopted = r.apply("adopted", `{frontend: {secretRef: {name: by-hand-frontend}}, backend: {secretRef: {name: by-hand-backend}}}`)
	r.awaitReady(r.adopted)
}

// adoptedSecrets names the Secrets that the adopted app references.
var adoptedSecrets = []string{"by-hand-frontend", "by-hand-backend"}

// staysAdopted checks that Secrets which the previous release adopted still belong to the app and have the same value.
func (r *release) staysAdopted() {
	r.Helper()
	r.awaitReady(r.adopted)
	for _, name := range adoptedSecrets {
		secret := &corev1.Secret{}
		r.get(secret, name)
		if value := string(secret.Data[keyring.EntrySecret]); value != "SBqFbnNvG8XMCsPwwQ3bTeRkYJd5xhL2" {
			r.Errorf("Secret %s holds another value after the upgrade", name)
		}
		if !metav1.IsControlledBy(secret, r.adopted) {
			r.Errorf("Secret %s is not the app's any more: %v", name, secret.OwnerReferences)
		}
	}
}

// upgraded installs the present chart. Task APIs take the new image one by one, and nothing else may change.
func (r *release) upgraded() {
	keys := r.versionsOfKeys()
	frontends := r.lives(todov1.ComponentFrontend)
	from := time.Now()
	gap := r.longestGap(r.users[1].app)
	r.install(presentChart, "dev")
	r.Logf("helm was done after %.1f s", time.Since(from).Seconds())
	for _, u := range r.users {
		r.await("the new image of "+u.app.Name, startWithin, func() error {
			pods := r.pods(u.app, todov1.ComponentBackend)
			for i := range pods {
				if image := pods[i].Spec.Containers[0].Image; image != "todoapp-operator:dev" || !podReady(&pods[i]) {
					return fmt.Errorf("%s runs %s, ready %t", pods[i].Name, image, podReady(&pods[i]))
				}
			}
			return nil
		})
		r.awaitBackends(u.app)
		r.awaitReady(u.app)
	}
	// Requests that were sent in the gap may have waited until they timed out, because a deleted pod refuses no
	// connection.
	r.replaced = repeated(from, time.Now().Add(load.TryTimeout))
	if longest := gap(); longest > sqliteGap {
		r.Errorf("%s did not answer for %s", r.users[1].app.Name, longest)
	}
	r.staysAdopted()
	if now := r.lives(todov1.ComponentFrontend); !slices.Equal(now, frontends) {
		r.Errorf("the frontends were %v and are %v", frontends, now)
	}
	if now := r.versionsOfKeys(); !slices.Equal(now, keys) {
		r.Errorf("the keys were %v and are %v", keys, now)
	}
	r.judgeAll()
}

// judgeAll judges all users. It forgives the replaced pod of the app with SQLite only.
func (r *release) judgeAll() {
	r.Helper()
	r.judge(r.users[:1])
	r.judge(r.users[1:], r.replaced)
}

// longestGap repeats a request to an app until the returned function is called, which returns the longest time without
// an answer.
func (e *environment) longestGap(app *todov1.TodoApp) func() time.Duration {
	e.Helper()
	ctx, cancel := context.WithCancel(e.Context())
	again := agent.Until{Calls: []agent.Call{tasks(app, "alice", "")}, Status: http.StatusUnauthorized, Within: startWithin}
	type result struct {
		longest time.Duration
		err     error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		last := time.Now()
		for ctx.Err() == nil && r.err == nil {
			var answered []time.Time
			if answered, r.err = ask[[]time.Time](ctx, "until", again); r.err == nil {
				r.longest, last = max(r.longest, answered[0].Sub(last)), answered[0]
			}
		}
		done <- r
	}()
	return func() time.Duration {
		e.Helper()
		cancel()
		r := <-done
		if r.err != nil && !errors.Is(r.err, context.Canceled) {
			e.Fatal(r.err)
		}
		e.Logf("%s: no answer for %.1f s at the most", app.Name, r.longest.Seconds())
		return r.longest
	}
}

// exchanged replaces the managers one by one, as the next upgrade will, while TodoApps are admitted without a pause. No
// admission may fail. The managers of the previous release did not drain requests, so the upgrade from it is exempt.
func (r *release) exchanged() {
	stop := r.admitAlways(r.users[0].app)
	r.install(presentChart, "dev", "--set-string=podAnnotations.todoapp\\.dev/exchanged=once")
	r.Logf("%d admissions while the managers were replaced", stop())
	r.judgeAll()
}

// reinstalled uninstalls the operator and installs it again. The apps keep working, and the operator must not change
// them.
func (r *release) reinstalled() {
	before := r.settle()
	r.uninstall()
	r.judgeAll()
	r.install(presentChart, "dev")
	r.await("the first reconcile of each app", startWithin, func() error {
		if _, err := leader(r.Context()); err != nil {
			return err
		}
		if reconciles := r.metric(`controller_runtime_reconcile_total\{controller="todoapp".*\}`); int(reconciles) < len(r.users) {
			return fmt.Errorf("%.0f reconciles", reconciles)
		}
		return nil
	})
	after := r.settle()
	for name, version := range before {
		if after[name] != version {
			r.Errorf("%s was written or replaced: %s, then %s", name, version, after[name])
		}
	}
	r.judgeAll()
}

// checked runs the check of the installation that users run.
func (r *release) checked() {
	r.Logf("%s", r.helm("test", operator, "--logs"))
}

// confined restricts the operator to this namespace. It must keep working there, and do nothing elsewhere.
func (r *release) confined() {
	other := newEnvironment(r.T)
	r.install(presentChart, "dev", "--set=watchNamespaces={"+r.namespace+"},apps.networkPolicy.enabled=true")
	const program = "../../bin/todoapp-operator"
	r.program(program, "check", "--namespace="+r.namespace)
	if output, err := command(r.Context(), program, "check", "--namespace="+other.namespace, "--within=1s"); err == nil {
		r.Errorf("a namespace that is not looked after passes the check: %s", output)
	}
	stray := other.apply("stray", `{}`)
	app := r.users[0].app
	versions := r.request()
	r.complete(versions)
	r.trimmed()
	r.get(app, app.Name)
	must(r, cluster.Get(r.Context(), client.ObjectKeyFromObject(stray), stray))
	if len(stray.Status.Conditions) > 0 {
		r.Errorf("an app elsewhere was looked after: %+v", stray.Status)
	}
	r.judgeAll()
}

// trimmed removes settings from an app. The operator must delete the objects that are no longer desired, and no others.
func (r *release) trimmed() {
	app := r.apply("new", `{frontend: {image: "`+probeImage+`", replicas: 2}, backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	r.awaitReady(app)
	name := metav1.ObjectMeta{Namespace: r.namespace, Name: desired.Frontend(app)}
	secret := metav1.ObjectMeta{Namespace: r.namespace, Name: desired.FrontendSecret(app)}
	made := []client.Object{
		&appsv1.Deployment{ObjectMeta: name}, &corev1.Service{ObjectMeta: name}, &policyv1.PodDisruptionBudget{ObjectMeta: name},
		&networkingv1.NetworkPolicy{ObjectMeta: name}, &corev1.Secret{ObjectMeta: secret},
	}
	for _, object := range made {
		must(r, cluster.Get(r.Context(), client.ObjectKeyFromObject(object), object))
	}
	patch := []byte(`{"spec":{"frontend":{"image":null,"secretRef":{"name":"elsewhere"}}}}`)
	must(r, cluster.Patch(r.Context(), app, client.RawPatch(types.MergePatchType, patch)))
	for _, object := range made {
		r.await(fmt.Sprintf("the end of the frontend's %T", object), startWithin, func() error { return gone(r.Context(), object) })
	}
	r.awaitReady(app)
	r.get(&corev1.Secret{}, "elsewhere")
}

// versionsOfKeys returns the versions and timestamps of all keys, without their values.
func (r *release) versionsOfKeys() []string {
	r.Helper()
	var all []string
	for _, u := range r.users {
		ring, err := r.ring(u.app)
		must(r, err)
		for _, k := range ring.Keys {
			all = append(all, fmt.Sprint(u.app.Name, k.Version, k.CreatedAt, k.PromotedAt, k.DemotedAt))
		}
	}
	return all
}

// lives returns the UIDs and restart counts of a component's pods. They differ if a pod was replaced or restarted.
func (r *release) lives(component string) []string {
	r.Helper()
	var all []string
	for _, u := range r.users {
		for _, pod := range r.pods(u.app, component) {
			for _, c := range pod.Status.ContainerStatuses {
				all = append(all, fmt.Sprint(pod.UID, " ", c.Name, " ", c.RestartCount))
			}
		}
	}
	slices.Sort(all)
	return all
}
