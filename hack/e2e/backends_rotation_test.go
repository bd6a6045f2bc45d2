//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/load"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// rotate replaces the keys of all apps, of the source app by writing a new value to its source. It returns when no pod
// has the old keys. The result is when all own backends had started with the new keys.
func (r *runningApps) rotate(source *todov1.TodoApp) (switched time.Time) {
	r.Helper()
	started := time.Now()
	var versions []int64
	for _, u := range r.users {
		versions = append(versions, r.newest(u.app).Version+1)
		if u.app == source {
			r.supply("store", "key", strings.Repeat("second-", 5)+"0123456789-abcdefghij")
		} else {
			r.change(u.app, func(spec *todov1.RotationSpec) { spec.RotateAfter = new(metav1.Now()) })
		}
	}
	for _, at := range []step{published, promoted, drained, retired} {
		r.reach(at, versions)
		r.Logf("all %s %.0f s after the request", at.name, time.Since(started).Seconds())
		switch at.name {
		case published.name:
			r.warned(r.users[1].app)
		case promoted.name:
			for i, u := range r.users {
				r.awaitKeys(u.app, fmt.Sprintf("to begin with key %d", versions[i]), func(keys string) bool {
					return strings.HasPrefix(keys+",", fmt.Sprintf("%d,", versions[i]))
				})
			}
			switched = time.Now()
		}
	}
	r.complete(versions)
	for i, u := range r.users {
		r.awaitCondition(u.app, todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
		r.awaitKeys(u.app, "to know one key", func(keys string) bool { return keys == fmt.Sprint(versions[i]) })
	}
	r.Logf("every pod with its last keys %.0f s after the request", time.Since(started).Seconds())
	return switched
}

// supply writes a new value into a Secret, as an external store does.
func (e *environment) supply(name, entry, value string) {
	e.Helper()
	var secret corev1.Secret
	e.get(&secret, name)
	before := secret.DeepCopy()
	secret.Data[entry] = []byte(value)
	must(e, cluster.Patch(e.Context(), &secret, client.MergeFrom(before)))
}

// warned waits until the status warns of failing requests during a rotation, for a backend that reads a single key.
func (r *runningApps) warned(app *todov1.TodoApp) {
	r.Helper()
	r.await("a warning of what the rotation costs", stepWithin, func() error {
		r.get(app, app.Name)
		c := meta.FindStatusCondition(app.Status.Conditions, todov1.ConditionRotationComplete)
		if c == nil || !strings.Contains(c.Message, "reads BETTER_AUTH_SECRET alone, tokens signed with a replaced key fail") {
			return fmt.Errorf("RotationComplete is %+v", c)
		}
		return nil
	})
}

// awaitKeys waits until every pod of an own backend, terminating ones included, has started with the right keys.
func (r *runningApps) awaitKeys(app *todov1.TodoApp, what string, right func(keys string) bool) {
	r.Helper()
	if app.Spec.Backend.Image == "" {
		return
	}
	r.await("the backends of "+app.Name+" "+what, stepWithin, func() error {
		var pods corev1.PodList
		must(r, cluster.List(r.Context(), &pods, client.InNamespace(r.namespace), client.MatchingLabels{
			todov1.LabelApp: app.Name, todov1.LabelComponent: todov1.ComponentBackend}))
		for i := range pods.Items {
			pod := &pods.Items[i]
			if keys := pod.Annotations[todov1.AnnotationKeys]; !right(keys) || !podReady(pod) {
				return fmt.Errorf("%s started with keys %s", pod.Name, keys)
			}
		}
		return nil
	})
}

// price judges the user of a backend that reads a single key. Its pods switch keys one by one while tokens of both keys
// are in use. After the promotion, old tokens may be refused until they have expired, and new tokens until every pod
// has switched. Any other failure fails the test.
func (r *runningApps) price(u *user, switched time.Time) {
	r.Helper()
	ring, err := r.ring(u.app)
	must(r, err)
	version := ring.Keys[len(ring.Keys)-1].Version
	from, expired := find(ring, version).PromotedAt, find(ring, version-1).DemotedAt.Add(validity)
	now, err := u.report(r.environment)
	must(r, err)
	until := map[string]time.Time{fmt.Sprint(version - 1): expired, fmt.Sprint(version): switched}
	refused := func(n load.Note) bool {
		return n.Status == http.StatusUnauthorized && n.At.After(from) && n.At.Before(until[n.KeyID])
	}
	for _, k := range []int64{version - 1, version} {
		r.refusals(now, fmt.Sprint(k), from)
	}
	if len(now.Failures) == len(u.judged.Failures) {
		r.Error("a backend that reads a single key refused nothing: the test does not measure its rotation")
	}
	r.judge([]*user{u}, refused)
	ok := now.Fresh + now.Old
	r.Logf("single: %d of %d requests were refused; old tokens had expired %.0f s after the promotion, pods had switched after %.0f s",
		len(now.Failures), ok+len(now.Failures), expired.Sub(from).Seconds(), switched.Sub(from).Seconds())
}

// refusals prints how many requests with a key were refused, and when.
func (r *runningApps) refusals(report load.Report, key string, promoted time.Time) {
	r.Helper()
	count, first, last := 0, time.Time{}, time.Time{}
	for _, n := range report.Failures {
		if n.KeyID != key {
			continue
		}
		if count++; count == 1 {
			first = n.At
		}
		last = n.At
	}
	if count > 0 {
		r.Logf("key %s: %d requests refused, from %.1f s to %.1f s after the promotion; %d accepted",
			key, count, first.Sub(promoted).Seconds(), last.Sub(promoted).Seconds(), report.ByKey[key])
	}
}
