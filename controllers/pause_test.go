package controllers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func paused(a *todov1.TodoApp) { a.Annotations = map[string]string{todov1.AnnotationPaused: "true"} }

// planned awaits a status whose plan has exactly the given lines, in this order.
func (e *environment) planned(app string, want ...string) {
	e.t.Helper()
	eventually(e.t, func() error {
		var live todov1.TodoApp
		if err := e.get(app, &live); err != nil {
			return err
		}
		if !slices.Equal(live.Status.Plan, want) {
			return fmt.Errorf("the plan is\n%s\nwant\n%s", strings.Join(live.Status.Plan, "\n"), strings.Join(want, "\n"))
		}
		return nil
	})
}

// writesOnlyStatus fails on any other write than those of the status that a manager has sent.
func (e *environment) writesOnlyStatus(p *process) {
	e.t.Helper()
	for _, request := range e.quiet(p) {
		if !strings.HasPrefix(request, "GET ") && !strings.HasSuffix(request, "/todoapps/todo/status") {
			e.t.Errorf("a paused app was written: %s", request)
		}
	}
}

func TestAPausedAppIsOnlyDescribed(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app, _ := e.rotating()
	e.phase("todo", "Stable", "")
	e.quiet(p)
	e.pause(app)
	e.ask(app, "rotateAfter")
	e.merge(app, `{"spec":{"backend":{"replicas":3},"frontend":{"image":"web:2","env":[{"name":"PASSWORD","value":"hunter2"}]}}}`)
	e.planned("todo",
		"publish key 2", "update Secret todo-keyring",
		"update Secret todo-backend-auth: data.BETTER_AUTH_SECRETS, metadata.annotations.todoapp.dev/keys",
		"update Secret todo-frontend-auth: data.BETTER_AUTH_COOKIE_VERSIONS, data.BETTER_AUTH_SECRETS, "+
			"metadata.annotations.todoapp.dev/keys",
		"update Deployment todo-backend: replicas 2 → 3",
		"update Deployment todo-frontend: template.metadata.annotations.todoapp.dev/keys, "+
			`template.spec.containers[name="frontend"].image web:1 → web:2, `+
			`template.spec.containers[name="frontend"].env[name="PASSWORD"].value`,
		"refresh the mounted Secret of Pod todo-backend-a", "refresh the mounted Secret of Pod todo-backend-b")
	must(t, e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync))
	e.writesOnlyStatus(p)
	if key, err := e.active("todo"); err != nil || key.Version != 1 {
		t.Errorf("a paused app signs with key %d (%v)", key.Version, err)
	}

	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/paused":null}}}`)
	e.phase("todo", "Publishing", "frontend")
	e.planned("todo")
	if err := e.condition("todo", todov1.ConditionPaused, metav1.ConditionTrue, todov1.ReasonPaused); err == nil {
		t.Error("the app is still said to be paused")
	}
	var d appsv1.Deployment
	must(t, e.get("todo-backend", &d))
	if *d.Spec.Replicas != 3 {
		t.Errorf("%d replicas after the pause", *d.Spec.Replicas)
	}
}

// A leaked key stays trusted while the app is paused, so the app must not seem ready.
func TestAPausedAppThatShouldRevokeIsNotReady(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app, _ := e.rotating()
	e.phase("todo", "Stable", "")
	e.quiet(p)
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/paused":"true"}}}`)
	e.ask(app, "revokeBefore")
	eventually(t, func() error {
		return errors.Join(
			e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonPaused),
			e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonPaused),
			e.condition("todo", todov1.ConditionRotationComplete, metav1.ConditionFalse, todov1.ReasonRevocationPending))
	})
	e.writesOnlyStatus(p)
	var live todov1.TodoApp
	must(t, e.get("todo", &live))
	if len(live.Status.Keys) != 1 || live.Status.Plan[0] != "revoke key 1" {
		t.Errorf("keys %v, plan %v", live.Status.Keys, live.Status.Plan)
	}
}

// The fields of an object that was only created are known by a digest. The plan tells that some go, and not if others only come.
func TestThePlanTellsOfFieldsThatGo(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Spec.Frontend.Env = []corev1.EnvVar{{Name: "PASSWORD", Value: "hunter2"}}
	})
	e.settled("todo")
	eventually(t, func() error { return e.get("todo-frontend", &appsv1.Deployment{}) })
	e.quiet(p)
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/paused":"true"}}}`)
	const update, env = "update Deployment todo-frontend: ", `template.spec.containers[name="frontend"].env[name="LEVEL"].value`
	for _, c := range []struct{ env, want string }{
		{`{"name":"PASSWORD","value":"hunter2"},{"name":"LEVEL","value":"debug"}`, update + env},
		{``, update + "fields that are no longer desired"},
		{`{"name":"LEVEL","value":"debug"}`, update + env + ", fields that are no longer desired"},
	} {
		e.merge(app, `{"spec":{"frontend":{"env":[`+c.env+`]}}}`)
		e.planned("todo", c.want)
	}
	e.merge(app, `{"spec":{"frontend":{"env":[{"name":"PASSWORD","value":"hunter2"}]}}}`)
	e.planned("todo")
}

// TestThePlanNamesFieldsThatLeaveASecret fails if the plan does not name a field that leaves a created Secret, which has no default
// values.
func TestThePlanNamesFieldsThatLeaveASecret(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.InheritedMetadata = &todov1.InheritedMetadata{Labels: map[string]string{"team": "shop"}}
	})
	e.settled("todo")
	e.quiet(p)
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/paused":"true"}},"spec":{"inheritedMetadata":null}}`)
	const some = ": fields that are no longer desired"
	e.planned("todo", "update Secret todo-keyring", "update Secret todo-backend-auth: metadata.labels.team",
		"update Secret todo-frontend-auth: metadata.labels.team", "update Service todo-backend"+some,
		"update PersistentVolumeClaim todo-data"+some, "update Deployment todo-backend"+some)
}

// A rotation that is due is delayed by the pause alone if the API trusts fewer keys than it can.
func TestAPausedAppThatDrainsHasNotTooManyKeys(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app, _ := e.rotating()
	e.ask(app, "rotateAfter")
	e.phase("todo", "Publishing", "frontend")
	e.roll(app)
	e.phase("todo", "Promoting", "frontend")
	e.roll(app)
	e.phase("todo", "Draining", "")
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/paused":"true"}}}`)
	e.ask(app, "rotateAfter")
	eventually(t, func() error {
		var live todov1.TodoApp
		if err := e.get("todo", &live); err != nil {
			return err
		}
		if len(live.Status.Plan) == 0 || live.Status.Plan[0] != "publish key 3" {
			return fmt.Errorf("the plan is %v", live.Status.Plan)
		}
		return nil
	})
	must(t, e.condition("todo", todov1.ConditionRotationComplete, metav1.ConditionFalse, todov1.ReasonDraining))
}

func TestAnAppThatIsCreatedPausedIsOnlyDescribed(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo", paused)
	e.planned("todo", "create key 1", "create Secret todo-keyring", "create Secret todo-backend-auth",
		"create Secret todo-frontend-auth", "create Service todo-backend", "create PersistentVolumeClaim todo-data",
		"create Deployment todo-backend")
	must(t, e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonPaused))
	e.writesOnlyStatus(p)
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/paused":"yes"}}}`)
	e.settled("todo")
}

// A Secret that is lost while the app is paused is not healed, and the condition tells so.
func TestAPausedAppThatLosesASecretIsNotReady(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo")
	e.settled("todo")
	e.phase("todo", "Stable", "")
	e.quiet(p)
	e.pause(app)
	must(t, e.client.Delete(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo-backend-auth"}}))
	e.planned("todo", "create Secret todo-backend-auth")
	must(t, e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonPaused))
	e.writesOnlyStatus(p)
}

// pause pauses an app, and waits until its status says so.
func (e *environment) pause(app *todov1.TodoApp) {
	e.t.Helper()
	e.merge(app, `{"metadata":{"annotations":{"todoapp.dev/paused":"true"}}}`)
	eventually(e.t, func() error {
		return e.condition(app.Name, todov1.ConditionPaused, metav1.ConditionTrue, todov1.ReasonPaused)
	})
}

// TestAPlanOfAnUnlabelledObject fails if a paused app cannot describe the change of an object that lost the app's label. Such an
// object is read from the API server by its name, without its kind.
func TestAPlanOfAnUnlabelledObject(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo")
	e.settled("todo")
	e.quiet(p)
	e.pause(app)
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo-backend"}}
	e.merge(service, `{"metadata":{"labels":{"todoapp.dev/app":null}}}`)
	within(t, 15*time.Second, func() error {
		var live todov1.TodoApp
		if err := e.get("todo", &live); err != nil {
			return err
		}
		if want := "update Service todo-backend: metadata.labels.todoapp.dev/app"; !slices.Equal(live.Status.Plan, []string{want}) {
			return fmt.Errorf("the plan is %q, not %q", live.Status.Plan, want)
		}
		return nil
	})
}
