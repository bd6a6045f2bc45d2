//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	// validity is how long a replaced key is trusted: the shortest maxLifetime that the API allows, without leeway.
	validity = time.Minute
	// stepWithin bounds each step of a rotation on a busy machine, including the takeover after a killed manager.
	stepWithin = 3 * time.Minute
	// settling is how long proxies may still send requests to a deleted pod.
	settling = 3 * time.Second
)

// runningApps is an environment with two apps under load: one with three backends on PostgreSQL, and one with SQLite. Two
// frontends sign for each, and their tokens live as long as the API accepts them.
type runningApps struct {
	*environment
	users []*user
	keys  *witness
}

// TestRotation plays every scenario of a key's life under load. Users of the apps must notice none of them.
func TestRotation(t *testing.T) {
	r := newRunningApps(t)
	for _, scenario := range []struct {
		name string
		run  func(*runningApps)
	}{
		{"on request", (*runningApps).onRequest},
		{"on schedule", (*runningApps).onSchedule},
		{"manager killed at each step", (*runningApps).managerKilled},
		{"backend killed at each step", (*runningApps).backendKilled},
		{"backend hangs", (*runningApps).backendHangs},
		{"frontend does not end", (*runningApps).frontendHolds},
		{"operator updated", (*runningApps).operatorUpdated},
		{"revocation", (*runningApps).revocation},
		{"manager restarted", (*runningApps).managerRestarted},
	} {
		if !t.Run(scenario.name, func(t *testing.T) {
			started := time.Now()
			scenario.run(&runningApps{&environment{t, r.namespace}, r.users, r.keys})
			t.Logf("played in %.0f s", time.Since(started).Seconds())
		}) {
			return // later scenarios depend on it
		}
	}
	r.keys.check(r.environment)
	r.sum(r.users)
}

func newRunningApps(t *testing.T) *runningApps {
	t.Helper()
	return runningAppsIn(newEnvironment(t))
}

func runningAppsIn(e *environment) *runningApps {
	e.Helper()
	r := &runningApps{environment: e}
	r.keys = r.witness()
	const common = `auth: {tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}}, ` +
		`frontend: {image: "` + probeImage + `", replicas: 2}`
	apps := []*todov1.TodoApp{
		r.apply("postgres", `{`+common+`, backend: {replicas: 3, storage: {postgres: {urlSecretRef: {name: db, key: url}}}}}`),
		r.apply("sqlite", `{`+common+`, backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`),
	}
	r.awaitCondition(apps[0], todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonSecretMissing)
	r.secret("db", "url", databaseURL(e.T))
	for _, app := range apps {
		r.awaitReady(app)
	}
	for _, app := range apps {
		r.users = append(r.users, r.startUser(app))
	}
	return r
}

// ring returns the ring in the app's keyring.
func (e *environment) ring(app *todov1.TodoApp) (keyring.Ring, error) {
	var secret corev1.Secret
	if err := cluster.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: desired.Keyring(app)}, &secret); err != nil {
		return keyring.Ring{}, err
	}
	return keyring.Unmarshal(secret.Data)
}

// newest returns the app's key with the highest version.
func (e *environment) newest(app *todov1.TodoApp) keyring.Key {
	e.Helper()
	ring, err := e.ring(app)
	must(e, err)
	return ring.Keys[len(ring.Keys)-1]
}

// change changes spec.auth.rotation of an app.
func (e *environment) change(app *todov1.TodoApp, change func(*todov1.RotationSpec)) {
	e.Helper()
	e.get(app, app.Name)
	before := app.DeepCopy()
	change(&app.Spec.Auth.Rotation)
	must(e, cluster.Patch(e.Context(), app, client.MergeFrom(before)))
}

// request requests a rotation of all apps, and returns the version of the key that each will get.
func (r *runningApps) request() []int64 {
	r.Helper()
	versions := make([]int64, len(r.users))
	for i, u := range r.users {
		versions[i] = r.newest(u.app).Version + 1
		r.change(u.app, func(spec *todov1.RotationSpec) { spec.RotateAfter = new(metav1.Now()) })
	}
	return versions
}

// step is a transition in the life of a key.
type step struct {
	name    string
	reached func(ring keyring.Ring, version int64) bool
}

// find returns the key of a version, or the zero key.
func find(ring keyring.Ring, version int64) keyring.Key {
	for _, k := range ring.Keys {
		if k.Version == version {
			return k
		}
	}
	return keyring.Key{}
}

var (
	published = step{"published", func(ring keyring.Ring, v int64) bool { return find(ring, v).Version == v }}
	promoted  = step{"promoted", func(ring keyring.Ring, v int64) bool { return !find(ring, v).PromotedAt.IsZero() }}
	drained   = step{"drained", func(ring keyring.Ring, v int64) bool {
		before := find(ring, v-1)
		return !before.DemotedAt.IsZero() || !before.RevokedAt.IsZero()
	}}
	retired = step{"retired", func(ring keyring.Ring, v int64) bool {
		demoted := find(ring, v-1).DemotedAt
		return !demoted.IsZero() && time.Now().After(demoted.Add(validity))
	}}
)

// reach waits until the new keys of all apps have reached a step.
func (r *runningApps) reach(at step, versions []int64) {
	r.Helper()
	for i, u := range r.users {
		r.await(fmt.Sprintf("%s: key %d %s", u.app.Name, versions[i], at.name), stepWithin, func() error {
			ring, err := r.ring(u.app)
			if err == nil && !at.reached(ring, versions[i]) {
				s := u.app.DeepCopy()
				_ = cluster.Get(r.Context(), client.ObjectKeyFromObject(s), s)
				err = fmt.Errorf("the rotation is at %+v", s.Status.Rotation)
			}
			return err
		})
	}
}

// complete waits until each app has one active key and trusts no other, except a key that is still retiring.
func (r *runningApps) complete(versions []int64) {
	r.Helper()
	r.reach(drained, versions)
	for i, u := range r.users {
		r.awaitReady(u.app)
		if got := active(u.app); got != fmt.Sprint(versions[i]) {
			r.Errorf("%s: key %s is active, expected %d", u.app.Name, got, versions[i])
		}
	}
}
