//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/signer"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// knownWithin bounds how long backends may take to load changed keys on a busy machine. The aim is 2 s.
const knownWithin = 5 * time.Second

// frontendHolds keeps a frontend from terminating, first before the promotion and then after it. It keeps signing with
// the key that it started with, so the operator must not stop trusting that key.
func (r *runningApps) frontendHolds() {
	app := r.users[0].app
	first := &r.pods(app, todov1.ComponentFrontend)[0]
	r.steer(first, "hold")
	versions := r.request()
	r.awaitTerminating(app, first)
	r.signsWith(first, app, versions[0]-1)
	if key := r.newest(app); key.Version != versions[0] || !key.PromotedAt.IsZero() {
		r.Errorf("key %d was promoted although a frontend does not know it", key.Version)
	}
	second := r.newFrontend(app)
	r.steer(second, "hold")
	r.steer(first, "release")
	r.reach(promoted, versions)
	r.awaitTerminating(app, second)
	r.signsWith(second, app, versions[0]-1)
	ring, err := r.ring(app)
	must(r, err)
	if drained.reached(ring, versions[0]) {
		r.Errorf("key %d was demoted although a frontend signs with it", versions[0]-1)
	}
	r.steer(second, "release")
	r.complete(versions)
	r.judge(r.users)
}

// steer tells a frontend to ignore termination ("hold"), or to terminate after all ("release").
func (r *runningApps) steer(pod *corev1.Pod, what string) {
	r.Helper()
	reply := request(r.T, agent.Call{Method: http.MethodPost, URL: at(pod, signer.Port) + "/" + what})
	if reply.Status != http.StatusOK {
		r.Fatalf("telling %s to %s: %+v", pod.Name, what, reply)
	}
}

// awaitTerminating waits until a pod is terminating and the rotation says that it waits for it.
func (r *runningApps) awaitTerminating(app *todov1.TodoApp, pod *corev1.Pod) {
	r.Helper()
	r.await("the end of "+pod.Name, stepWithin, func() error {
		r.get(pod, pod.Name)
		if pod.DeletionTimestamp == nil {
			return fmt.Errorf("it was not told to end")
		}
		return nil
	})
	r.awaitWaiting(app, pod)
}

// newFrontend waits for a frontend that started with the published key, and returns it.
func (r *runningApps) newFrontend(app *todov1.TodoApp) *corev1.Pod {
	r.Helper()
	var found *corev1.Pod
	r.await("a frontend of the next generation", stepWithin, func() error {
		pods := r.pods(app, todov1.ComponentFrontend)
		slices.SortFunc(pods, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
		found = &pods[len(pods)-1]
		if keys := found.Annotations[todov1.AnnotationKeys]; found.DeletionTimestamp != nil || !podReady(found) ||
			!strings.Contains(keys, fmt.Sprint(r.newest(app).Version)) {
			return fmt.Errorf("%s started with keys %s", found.Name, keys)
		}
		return nil
	})
	return found
}

// signsWith checks that a frontend signs with a version, and that each backend accepts its token.
func (r *runningApps) signsWith(pod *corev1.Pod, app *todov1.TodoApp, version int64) {
	r.Helper()
	reply := request(r.T, agent.Call{Method: http.MethodGet, URL: at(pod, signer.Port) + "/token?sub=alice"})
	var token signer.Token
	if err := json.Unmarshal([]byte(reply.Body), &token); err != nil || token.KeyID != strconv.FormatInt(version, 10) {
		r.Fatalf("%s signs with key %s (%v), expected %d", pod.Name, token.KeyID, err, version)
	}
	for _, c := range r.toEach(app, tasks(app, "alice", token.Token)) {
		r.expect(c, http.StatusOK)
	}
}

// revocation revokes the active keys. Every backend must refuse tokens that were signed with them.
func (r *runningApps) revocation() {
	started := time.Now()
	var forgive []forgiven
	for _, u := range r.users {
		old := r.newest(u.app).Version
		calls := r.toEach(u.app, tasks(u.app, "alice", r.token(u.app, "alice")))
		for _, c := range calls {
			r.expect(c, http.StatusOK)
		}
		asked := time.Now()
		r.change(u.app, func(spec *todov1.RotationSpec) { spec.RevokeBefore = new(metav1.Now()) })
		refusals := moments(r.T, asked, agent.Until{Calls: calls, Status: http.StatusUnauthorized})
		accepted := r.accepted(u, old)
		r.Logf("%s: key %d refused by the %d backends after %v", u.app.Name, old, len(calls), refusals)
		if last := slices.Max(refusals); last > knownWithin {
			r.Errorf("the revoked key was refused everywhere after %s only", last)
		}
		forgive = append(forgive, refused(old, asked))
		r.awaitCondition(u.app, todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
		r.Logf("%s: every pod had confirmed after %.1f s", u.app.Name, time.Since(asked).Seconds())
		if again := r.accepted(u, old); again != accepted {
			r.Errorf("%s: %d requests with the revoked key were accepted after it was refused", u.app.Name, again-accepted)
		}
		if got := active(u.app); got != fmt.Sprint(old+1) {
			r.Errorf("%s: key %s is active, expected %d", u.app.Name, got, old+1)
		}
	}
	r.Logf("revoked in all apps within %.1f s", time.Since(started).Seconds())
	r.judge(r.users, forgive...)
}

// accepted returns the number of a user's requests with a key that were accepted so far.
func (r *runningApps) accepted(u *user, version int64) int {
	r.Helper()
	report, err := u.report(r.environment)
	must(r, err)
	return report.ByKey[strconv.FormatInt(version, 10)]
}

// toEach returns the call once for each backend of an app, sent to the pod instead of the Service.
func (r *runningApps) toEach(app *todov1.TodoApp, c agent.Call) []agent.Call {
	r.Helper()
	var calls []agent.Call
	for _, pod := range r.pods(app, todov1.ComponentBackend) {
		direct := c
		direct.URL = strings.Replace(c.URL, desired.BackendURL(app), at(&pod, int(app.Spec.Backend.Port)), 1)
		calls = append(calls, direct)
	}
	return calls
}

// trusting returns a wait that ends when every backend trusts a key, or when none does.
func (r *runningApps) trusting(app *todov1.TodoApp, version int64, trusted bool) agent.Until {
	r.Helper()
	u := agent.Until{Status: http.StatusOK, Match: fmt.Sprintf(`"versions":\[([0-9]+,)*%d[],]`, version), Lacks: !trusted}
	for _, pod := range r.pods(app, todov1.ComponentBackend) {
		u.Calls = append(u.Calls, agent.Call{Method: http.MethodGet, URL: at(&pod, desired.OperationsPort) + "/keyring"})
	}
	return u
}

func at(pod *corev1.Pod, port int) string {
	return "http://" + net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(port))
}

// says returns an error unless the condition is False with the reason and its message contains the name.
func says(app *todov1.TodoApp, kind, reason, name string) error {
	c := meta.FindStatusCondition(app.Status.Conditions, kind)
	if c == nil || c.Status != metav1.ConditionFalse || c.Reason != reason || !strings.Contains(c.Message, name) {
		return fmt.Errorf("%s is %+v", kind, c)
	}
	return nil
}
