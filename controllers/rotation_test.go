package controllers_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
)

// rotating makes an app with two embedded backends and two frontends, all of them up to date.
func (e *environment) rotating(change ...func(*todov1.TodoApp)) (*todov1.TodoApp, []*verifier) {
	e.t.Helper()
	change = append(change, func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Spec.Backend.Replicas = new(int32(2))
		a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: "db"}, Key: "url"}}
	})
	app := e.app("todo", change...)
	e.settled("todo")
	eventually(e.t, func() error { return e.get("todo-frontend", &appsv1.Deployment{}) })
	e.roll(app)
	return app, []*verifier{e.verifier(app, "todo-backend-a"), e.verifier(app, "todo-backend-b")}
}

// ask sets one of the two moments to now, which the API server keeps to the second: the key must be older than that.
func (e *environment) ask(app *todov1.TodoApp, field string) {
	e.t.Helper()
	var live todov1.TodoApp
	must(e.t, e.get(app.Name, &live))
	created := live.Status.Keys[0].CreatedAt.Time
	eventually(e.t, func() error {
		if now := time.Now(); !now.Truncate(time.Second).After(created) {
			return fmt.Errorf("it is still the second in which key %d was made", live.Status.Keys[0].Version)
		}
		return nil
	})
	e.merge(app, fmt.Sprintf(`{"spec":{"auth":{"rotation":{%q:%q}}}}`, field, time.Now().UTC().Format(time.RFC3339)))
}

// phase awaits where the rotation stands, and that it waits for what contains a name; none: for nothing.
func (e *environment) phase(app, phase, waitingFor string) *todov1.TodoApp {
	e.t.Helper()
	live := &todov1.TodoApp{}
	eventually(e.t, func() error {
		if err := e.get(app, live); err != nil {
			return err
		}
		r := live.Status.Rotation
		waits := r != nil && slices.ContainsFunc(r.WaitingFor, func(s string) bool { return strings.Contains(s, waitingFor) })
		if r == nil || string(r.Phase) != phase || (waitingFor == "") != (len(r.WaitingFor) == 0) || waitingFor != "" && !waits {
			return fmt.Errorf("rotation is %+v, not %s waiting for %q", r, phase, waitingFor)
		}
		return nil
	})
	return live
}

func TestARotationWaitsForEveryPod(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app, backends := e.rotating()
	e.ask(app, "rotateAfter")

	e.phase("todo", "Publishing", "frontend")
	for _, v := range backends {
		eventually(t, func() error {
			if got := v.trusts(); !slices.Equal(got, []int64{1, 2}) {
				return fmt.Errorf("%s trusts %v", v.pod.Name, got)
			}
			return nil
		})
	}
	if key, err := e.active("todo"); err != nil || key.Version != 1 {
		t.Fatalf("key %d was promoted before the frontend knew it (%v)", key.Version, err)
	}
	must(t, e.condition("todo", todov1.ConditionRotationComplete, metav1.ConditionFalse, todov1.ReasonWaitingForPods))

	e.roll(app)
	e.phase("todo", "Promoting", "frontend")
	if key, _ := e.active("todo"); key.Version != 2 {
		t.Fatalf("key %d signs", key.Version)
	}

	e.roll(app)
	live := e.phase("todo", "Draining", "")
	if retires := live.Status.Keys[1].RetiresAt; retires == nil || time.Until(retires.Time) < 167*time.Hour {
		t.Errorf("key 1 retires at %v, before the last token signed with it has expired", retires)
	}
	must(t, e.condition("todo", todov1.ConditionRotationComplete, metav1.ConditionFalse, todov1.ReasonDraining))
}

func TestABackendThatHangsHoldsTheRotation(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app, backends := e.rotating()
	backends[1].hangs.Store(true)
	e.ask(app, "rotateAfter")
	e.phase("todo", "Publishing", "frontend")
	eventually(t, func() error { // its template must be the new one, or rolling would change nothing
		var d appsv1.Deployment
		must(t, e.get("todo-frontend", &d))
		if keys := d.Spec.Template.Annotations[todov1.AnnotationKeys]; keys != "1,2" {
			return fmt.Errorf("the frontend's template is at %s", keys)
		}
		return nil
	})
	e.roll(app)
	e.phase("todo", "Publishing", "todo-backend-b")
	backends[1].hangs.Store(false)
	e.phase("todo", "Promoting", "frontend")
}

func TestARevocationReachesEveryPod(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app, backends := e.rotating()
	e.ask(app, "revokeBefore")
	e.phase("todo", "Promoting", "frontend")
	for _, v := range backends {
		eventually(t, func() error {
			if got := v.trusts(); !slices.Equal(got, []int64{2}) {
				return fmt.Errorf("%s trusts %v", v.pod.Name, got)
			}
			return nil
		})
	}
	e.roll(app)
	e.phase("todo", "Stable", "")
}

// TestARotationWritesNoMoreThanItMust counts what a rotation writes besides the status: the ring thrice (published,
// promoted, demoted), each Secret and the frontend's Deployment twice, each backend pod once.
func TestARotationWritesNoMoreThanItMust(t *testing.T) {
	e := newEnvironment(t)
	manager := e.start()
	app, _ := e.rotating()
	e.phase("todo", "Stable", "")
	e.quiet(manager)
	e.ask(app, "rotateAfter")
	e.phase("todo", "Publishing", "frontend")
	sent := e.quiet(manager)
	e.roll(app)
	e.phase("todo", "Promoting", "frontend")
	sent = append(sent, e.quiet(manager)...)
	e.roll(app)
	e.phase("todo", "Draining", "")
	sent = append(sent, e.quiet(manager)...)
	writes := map[string]int{}
	for _, request := range sent {
		method, path, _ := strings.Cut(request, " ")
		_, object, ok := strings.Cut(path, "/namespaces/"+e.namespace+"/")
		if ok && method != http.MethodGet && !strings.HasSuffix(object, "/status") {
			writes[object]++
		}
	}
	want := map[string]int{
		"secrets/todo-keyring": 3, "secrets/todo-frontend-auth": 2, "secrets/todo-backend-auth": 2,
		"deployments/todo-frontend": 2, "pods/todo-backend-a": 1, "pods/todo-backend-b": 1,
	}
	if !maps.Equal(writes, want) {
		t.Errorf("a rotation wrote %v, not %v", writes, want)
	}
}

func TestAPodThatTheCacheHasNotSeenHoldsTheRotation(t *testing.T) {
	e := newEnvironment(t)
	e.start(func(r *controllers.Reconciler) { r.Client = &blind{r.Client, "todo-frontend-late"} })
	app, _ := e.rotating()
	late := e.pod(app, todov1.ComponentFrontend, "todo-frontend-late", map[string]string{todov1.AnnotationKeys: "1"})
	e.ask(app, "rotateAfter")
	e.phase("todo", "Publishing", "frontend")
	e.rollBut(app, late.Name)
	e.phase("todo", "Publishing", late.Name)
	must(t, e.client.Delete(t.Context(), late, client.GracePeriodSeconds(0)))
	e.phase("todo", "Promoting", "frontend")
}

// blind is a client whose cache lacks one pod.
type blind struct {
	client.Client
	pod string
}

func (e *blind) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	err := e.Client.List(ctx, into, options...)
	if pods, ok := into.(*corev1.PodList); ok {
		pods.Items = slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.Name == e.pod })
	}
	return err
}
