package controllers_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// A client that waits for Ready waits for the present spec: the status of a new generation is not that of the one before it.
func TestANewSpecIsNotReadyBeforeItIsThere(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: "db"}, Key: "url"}}
	})
	var d appsv1.Deployment
	eventually(t, func() error {
		if err := e.get("todo-backend", &d); err != nil {
			return err
		}
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation,
			Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
		return e.client.Status().Update(t.Context(), &d)
	})
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionTrue, todov1.ReasonReady)
	})
	statuses := e.watch(&todov1.TodoAppList{})
	defer time.AfterFunc(time.Minute, statuses.Stop).Stop()
	defer statuses.Stop()
	e.merge(app, `{"spec":{"backend":{"replicas":3}}}`)
	for event := range statuses.ResultChan() {
		live, ok := event.Object.(*todov1.TodoApp)
		if !ok || live.Status.ObservedGeneration < 2 {
			continue
		}
		if meta.IsStatusConditionTrue(live.Status.Conditions, todov1.ConditionReady) {
			t.Errorf("three pods are asked for, one is there, and the app says: %v", live.Status.Conditions)
		}
		return
	}
	t.Error("there was no status of the new spec")
}

// What an app is held up from doing has not happened.
func TestTheStatusOfAHeldAppTellsOfStoredKeysAlone(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo")
	e.settled("todo")
	e.phase("todo", "Stable", "")
	e.handedOver("live", otherHand, "todo")
	e.merge(app, `{"spec":{"backend":{"secretRef":{"name":"live"}}}}`)
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionFalse, todov1.ReasonSecretConflict)
	})
	e.ask(app, "revokeBefore")
	eventually(t, func() error { return e.observed("todo", 3) })
	var live todov1.TodoApp
	must(t, e.get("todo", &live))
	if keys := live.Status.Keys; len(keys) != 1 || keys[0].Version != 1 || keys[0].State != "Active" {
		t.Errorf("nothing was revoked, and the status tells of %s", fmt.Sprint(keys))
	}
}
