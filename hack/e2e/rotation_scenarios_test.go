//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// onRequest measures an undisturbed rotation and counts its writes.
func (r *runningApps) onRequest() {
	r.settle()
	measured := r.users[0].app
	l := r.openLedger(measured)
	r.settle()
	l.reset()
	started := time.Now()
	versions := r.request()
	known := moments(r.T, started, r.trusting(measured, versions[0], true))
	r.reach(retired, versions)
	dropped := moments(r.T, started, r.trusting(measured, versions[0]-1, false))
	for _, u := range r.users {
		r.awaitCondition(u.app, todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
	}
	ring, err := r.ring(measured)
	must(r, err)
	now, before := find(ring, versions[0]), find(ring, versions[0]-1)
	since := func(at time.Time) string { return fmt.Sprintf("%.2fs", at.Sub(started).Seconds()) }
	r.Logf("after the request: published %s, known to the %d backends %v, promoted %s, drained %s, retired from the backends %v",
		since(now.CreatedAt), len(known), known, since(now.PromotedAt), since(before.DemotedAt), dropped)
	if last := slices.Max(known); last > knownWithin {
		r.Errorf("the key was known everywhere after %s only", last)
	}
	r.least(l.reset(), len(known))
	r.judge(r.users)
}

// least checks that a rotation writes no more than it needs. The ring is stored once for each of three transitions.
// Each component's Secret is written if its data changes. The frontend is rolled out twice. Backends are notified of
// the new key and of the retired one. The number of status updates varies.
func (r *runningApps) least(counts map[string]int, backends int) {
	r.Helper()
	r.Logf("%s", statement(counts))
	for account, want := range map[string]int{
		"Secret of the keyring": 3, "Secret of the backend": 3, "Secret of the frontend": 2, "Deployment of the frontend": 2,
	} {
		if counts[account] != want {
			r.Errorf("%s: written %d times, expected %d", account, counts[account], want)
		}
	}
	// The operator notifies a kubelet again if it takes longer than two seconds.
	if touches := counts["annotation of a pod"]; touches < 2*backends || touches > 4*backends {
		r.Errorf("%d backends were told %d times", backends, touches)
	}
}

// onSchedule moves the creation of the active keys so far back that the schedule replaces them.
func (r *runningApps) onSchedule() {
	versions := make([]int64, len(r.users))
	for i, u := range r.users {
		versions[i] = r.newest(u.app).Version + 1
		r.change(u.app, func(spec *todov1.RotationSpec) {
			spec.RotateAfter, spec.Interval = nil, &metav1.Duration{Duration: time.Hour}
		})
		r.age(u.app, 2*time.Hour)
	}
	r.complete(versions)
	for _, u := range r.users {
		created, next := r.newest(u.app).CreatedAt, u.app.Status.Rotation.Next
		// The schedule adds at most a tenth of the interval.
		if next == nil || next.Time.Before(created.Add(time.Hour-time.Second)) || next.After(created.Add(66*time.Minute)) {
			r.Errorf("%s: the next rotation is at %v; the key was created at %v", u.app.Name, next, created)
		}
	}
	r.judge(r.users)
}

// age moves the creation of the active key to the past, as only the break-glass group may.
func (r *runningApps) age(app *todov1.TodoApp, by time.Duration) {
	r.Helper()
	r.await("an older key", stepWithin, func() error {
		ring, err := r.ring(app)
		if err != nil {
			return err
		}
		ring.Keys[len(ring.Keys)-1].CreatedAt = ring.Keys[len(ring.Keys)-1].CreatedAt.Add(-by)
		data, err := ring.Marshal()
		if err != nil {
			return err
		}
		var secret corev1.Secret
		r.get(&secret, desired.Keyring(app))
		secret.Data = data
		return cluster.glass.Update(r.Context(), &secret)
	})
}

// managerKilled kills the manager at each of four steps of one rotation.
func (r *runningApps) managerKilled() {
	versions := r.request()
	for _, at := range []step{published, promoted, drained, retired} {
		r.reach(at, versions)
		r.Logf("killed when %s: another manager at work after %.1f s", at.name, r.killManager().Seconds())
	}
	for i, u := range r.users {
		moments(r.T, time.Now(), r.trusting(u.app, versions[i]-1, false))
	}
	r.complete(versions)
	r.judge(r.users)
}

// backendKilled kills a backend of each app at each step. Requests in flight get no answer, so users repeat them. With
// SQLite no other pod answers until the next one has started.
func (r *runningApps) backendKilled() {
	versions := r.request()
	var forgive []forgiven
	for i, at := range []step{published, promoted, drained} {
		r.reach(at, versions)
		from := time.Now()
		for _, u := range r.users {
			pods := r.pods(u.app, todov1.ComponentBackend)
			if pod := &pods[i%len(pods)]; i == 1 {
				r.kill(pod) // a new pod replaces it
			} else {
				signal(r.T, pod, "KILL") // the kubelet restarts its container
			}
		}
		for _, u := range r.users {
			r.awaitBackends(u.app)
		}
		r.Logf("killed when %s: all backends were back after %.1f s", at.name, time.Since(from).Seconds())
		forgive = append(forgive, repeated(from, time.Now().Add(settling)))
	}
	r.complete(versions)
	r.judge(r.users, forgive...)
}

// awaitBackends waits until all backends of the app are ready, and none of them was just killed.
func (r *runningApps) awaitBackends(app *todov1.TodoApp) {
	r.Helper()
	r.await("the backends of "+app.Name, startWithin, func() error {
		pods := r.pods(app, todov1.ComponentBackend)
		if len(pods) != int(*app.Spec.Backend.Replicas) {
			return fmt.Errorf("there are %d", len(pods))
		}
		for i := range pods {
			url := at(&pods[i], desired.OperationsPort) + "/readyz"
			reply, err := ask[agent.Reply](r.Context(), "call", agent.Call{Method: http.MethodGet, URL: url})
			if err != nil || reply.Status != http.StatusOK || !podReady(&pods[i]) {
				return fmt.Errorf("%s is not ready: %+v %w", pods[i].Name, reply, err)
			}
		}
		return nil
	})
}

// backendHangs stops the process of a backend. The rotation must wait and name the pod, and continue if the pod does.
func (r *runningApps) backendHangs() {
	app := r.users[0].app
	pod := &r.pods(app, todov1.ComponentBackend)[0]
	from := time.Now()
	signal(r.T, pod, "STOP")
	versions := r.request()
	r.awaitWaiting(app, pod)
	r.during(5*time.Second, func() error {
		if key := r.newest(app); key.Version != versions[0] || !key.PromotedAt.IsZero() {
			return fmt.Errorf("key %d was promoted although a backend does not answer", key.Version)
		}
		return nil
	})
	signal(r.T, pod, "CONT")
	resumed := time.Now()
	r.reach(promoted, versions)
	r.Logf("promoted %.1f s after the pod went on", r.newest(app).PromotedAt.Sub(resumed).Seconds())
	r.complete(versions)
	r.judge(r.users, repeated(from, resumed.Add(settling)))
}

// awaitWaiting waits until the status and a condition say that the rotation waits for a pod.
func (r *runningApps) awaitWaiting(app *todov1.TodoApp, pod *corev1.Pod) {
	r.Helper()
	r.await("the rotation to wait for "+pod.Name, stepWithin, func() error {
		if err := cluster.Get(r.Context(), client.ObjectKeyFromObject(app), app); err != nil {
			return err
		}
		if rotation := app.Status.Rotation; rotation == nil || !slices.Contains(rotation.WaitingFor, pod.Name) {
			return fmt.Errorf("the rotation is at %+v", rotation)
		}
		return says(app, todov1.ConditionRotationComplete, todov1.ReasonWaitingForPods, pod.Name)
	})
}

// during fails the test if holds returns an error at any time within the span.
func (e *environment) during(span time.Duration, holds func() error) {
	e.Helper()
	end := time.Now().Add(span)
	e.await("the end of the span", span+time.Minute, func() error {
		if err := holds(); err != nil {
			e.Fatal(err)
		}
		if left := time.Until(end); left > 0 {
			return fmt.Errorf("%s are left", left)
		}
		return nil
	})
}

// operatorUpdated replaces the operator's pod in the middle of a rotation, as an upgrade does.
func (r *runningApps) operatorUpdated() {
	before := r.awaitLeader()
	versions := r.request()
	r.reach(published, versions)
	started := time.Now()
	r.kubectl("--namespace="+system, "rollout", "restart", "deployment/"+operator)
	r.kubectl("--namespace="+system, "rollout", "status", "deployment/"+operator, "--timeout=120s")
	r.awaitSuccessor(before)
	r.Logf("the next manager was at work after %.1f s", time.Since(started).Seconds())
	r.complete(versions)
	r.judge(r.users)
}

// managerRestarted restarts the manager over apps that have been rotated. It must start neither a rotation nor a pod.
func (r *runningApps) managerRestarted() {
	versions := []int64{r.newest(r.users[0].app).Version, r.newest(r.users[1].app).Version}
	r.quietRestart()
	r.complete(versions)
	var forgive []forgiven
	for _, version := range versions {
		forgive = append(forgive, refused(version-1, time.Time{})) // revoked in the scenario before
	}
	r.judge(r.users, forgive...)
}
