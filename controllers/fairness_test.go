package controllers_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// othersRotating is how many apps rotate while another app needs the operator, and publishingAtOnce how many at the same time.
const othersRotating, publishingAtOnce = 40, 6

// keyringWrites returns the names of the apps whose keyring a manager has created or updated, in order.
func (p *process) keyringWrites() []string {
	p.requests.Lock()
	defer p.requests.Unlock()
	var apps []string
	for _, request := range p.requests.observed {
		method, path, _ := strings.Cut(request, " ")
		_, secret, _ := strings.Cut(path, "/secrets/")
		if app, ok := strings.CutSuffix(secret, "-keyring"); ok && method == http.MethodPatch {
			apps = append(apps, app)
		}
	}
	return apps
}

func other(i int) string { return fmt.Sprintf("other-%d", i) }

// setNow sets one of the two moments of an app's rotation to now.
func (e *environment) setNow(name, field string) {
	e.t.Helper()
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}}
	e.merge(app, fmt.Sprintf(`{"spec":{"auth":{"rotation":{%q:%q}}}}`, field, time.Now().UTC().Format(time.RFC3339)))
}

// rotateOthers starts a manager under which all apps but one are to rotate, and awaits that it is at work.
func (e *environment) rotateOthers(rotations *controllers.Rotations) *process {
	e.t.Helper()
	for i := range othersRotating {
		e.setNow(other(i), "rotateAfter")
	}
	p := e.start(func(r *controllers.Reconciler) { r.Rotations = rotations })
	eventually(e.t, func() error {
		if n := len(p.keyringWrites()); n < 10 {
			return fmt.Errorf("%d keyrings are written", n)
		}
		return nil
	})
	return p
}

// rotatedTo awaits that all of the apps have rotated to a version, and that the manager has nothing more to do.
func (e *environment) rotatedTo(version int64, p *process) {
	e.t.Helper()
	for i := range othersRotating {
		eventually(e.t, func() error {
			key, err := e.active(other(i))
			if err == nil && key.Version != version {
				err = fmt.Errorf("app %d has key %d", i, key.Version)
			}
			return err
		})
	}
	e.quiet(p) // for a second, so that every key is older than a moment that follows
	p.stop()
}

// TestFairness lets many apps rotate at once. Without a bound on rotations, it counts the keyrings of other apps that are written
// between the request for a revocation and the revocation: as many as the workers had begun, and as they begin until the watch
// tells the manager of the request. With the bound, it counts the apps in Publishing.
func TestFairness(t *testing.T) {
	e := newEnvironment(t)
	first := e.start()
	for i := range othersRotating {
		e.app(other(i), func(a *todov1.TodoApp) { a.Spec.Frontend.HandoverPeriod = &metav1.Duration{} })
	}
	e.app("leaked")
	e.settled("leaked")
	e.rotatedTo(1, first)

	unbounded := e.rotateOthers(nil)
	e.setNow("leaked", "revokeBefore")
	asked := len(unbounded.keyringWrites())
	e.app("newcomer")
	e.settled("newcomer")
	all := unbounded.keyringWrites()
	written, revoked := all[asked:], slices.Index(all, "leaked")
	ahead := max(revoked-asked, 0) // the revocation may have been written before its request returned
	t.Logf("%d keyrings of other apps were written before the revocation, %d before a new app had its keys", ahead, len(written)-1)
	if revoked < 0 || ahead > othersRotating/4 || len(written) > othersRotating/2 {
		t.Errorf("rotations of other apps went first: %v", written)
	}
	e.rotatedTo(2, unbounded)

	keyrings, most := e.watch(&corev1.SecretList{}), make(chan int, 1)
	go func() { most <- mostPublishing(keyrings) }()
	apps, queued := e.watch(&todov1.TodoAppList{}), make(chan int, 1)
	go func() { queued <- queuedRotations(apps) }()
	bounded := e.rotateOthers(controllers.NewRotations(publishingAtOnce))
	e.rotatedTo(3, bounded)
	keyrings.Stop()
	apps.Stop()
	if <-queued == 0 {
		t.Error("the status of no app said that its rotation is queued")
	}
	if n := <-most; n > 3*publishingAtOnce || n < 2 { // on a slow machine a rotation may not count any more before it ends
		t.Errorf("%d apps were in Publishing at the same time", n)
	}
}

// queuedRotations returns how many apps told that their rotation waits for others.
func queuedRotations(apps watch.Interface) int {
	queued := map[string]bool{}
	for event := range apps.ResultChan() {
		app, ok := event.Object.(*todov1.TodoApp)
		if !ok {
			continue
		}
		c := meta.FindStatusCondition(app.Status.Conditions, todov1.ConditionRotationComplete)
		if c != nil && c.Reason == todov1.ReasonQueued {
			queued[app.Name] = true
		}
	}
	return len(queued)
}

// mostPublishing returns the greatest number of keyrings with a published key at any moment.
func mostPublishing(secrets watch.Interface) int {
	publishing, most := map[string]bool{}, 0
	for event := range secrets.ResultChan() {
		secret, ok := event.Object.(*corev1.Secret)
		if !ok || secret.Labels[todov1.LabelComponent] != todov1.ComponentKeyring {
			continue
		}
		ring, _ := keyring.Unmarshal(secret.Data)
		delete(publishing, secret.Name)
		if slices.ContainsFunc(ring.Keys, func(k keyring.Key) bool { return k.PromotedAt.IsZero() && k.RevokedAt.IsZero() }) {
			publishing[secret.Name] = true
		}
		most = max(most, len(publishing))
	}
	return most
}
