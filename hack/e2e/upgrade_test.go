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

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/load"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
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
	r.bring()
	for _, scenario := range []struct {
		name string
		run  func(*release)
	}{
		{"upgrade", (*release).upgraded},
		{"new fields", (*release).extended},
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
	// own is an app whose backend has an image of its own, and whose database is in a Secret.
	own *todov1.TodoApp
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
	ownPodsStay := r.ownPodsStay()
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
	ownPodsStay()
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
