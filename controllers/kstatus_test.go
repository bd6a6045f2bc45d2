package controllers_test

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// kstatus awaits the status that Flux and kpt compute of an app.
func (e *environment) kstatus(app string, want status.Status) {
	e.t.Helper()
	eventually(e.t, func() error {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
		if err := e.get(app, live); err != nil {
			return err
		}
		got, err := status.Compute(live)
		if err != nil {
			return err
		}
		if got.Status != want {
			return fmt.Errorf("%s is %s (%s), not %s", app, got.Status, got.Message, want)
		}
		return nil
	})
}

func TestToolsThatWaitUnderstandTheStatus(t *testing.T) {
	e := newEnvironment(t)
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: "db"}, Key: "url"}}
	})
	e.kstatus("todo", status.InProgressStatus) // the operator has not seen it
	p := e.start()
	e.settled("todo")
	e.kstatus("todo", status.InProgressStatus) // its pods are not ready
	var d appsv1.Deployment
	eventually(t, func() error {
		if err := e.get("todo-backend", &d); err != nil {
			return err
		}
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation,
			Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
		return e.client.Status().Update(t.Context(), &d)
	})
	e.kstatus("todo", status.CurrentStatus)
	e.quiet(p)
	p.stop()
	e.merge(app, `{"spec":{"backend":{"env":[{"name":"A","value":"b"}]}}}`)
	e.kstatus("todo", status.InProgressStatus) // the status is about the spec before
}

func TestToolsDoNotWaitForWhatWaitingDoesNotMend(t *testing.T) {
	e := newEnvironment(t)
	e.handedOver("todo-frontend-auth", byHand, "todo")
	wrong := e.handedOver("todo-backend-auth", otherHand, "todo")
	e.start()
	e.app("todo")
	e.kstatus("todo", status.FailedStatus)
	must(t, e.client.Delete(t.Context(), &corev1.Secret{ObjectMeta: wrong.ObjectMeta}))
	e.kstatus("todo", status.InProgressStatus)
}
