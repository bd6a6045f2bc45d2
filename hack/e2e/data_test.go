//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// TestDeleteKeepsTasksAndKeys deletes a TodoApp and creates another one of its name. The new app must have the old tasks
// and keys, so that it accepts a token from before.
func TestDeleteKeepsTasksAndKeys(t *testing.T) {
	e := newEnvironment(t)
	app := e.apply("todo", `{}`)
	e.awaitReady(app)
	e.expect(adding(tasks(app, "alice", e.token(app, "alice")), "Outlive the app"), http.StatusCreated)
	old := e.token(app, "alice")
	e.remove(app)
	e.get(&corev1.PersistentVolumeClaim{}, desired.Data(app))

	again := e.apply("todo", `{}`)
	e.awaitReady(again)
	// The name belonged to another Service before. DNS and the node's routing follow with a delay.
	e.await("a route to the new Service", startWithin, func() error {
		_, err := ask[agent.Reply](e.Context(), "call", tasks(again, "alice", ""))
		return err
	})
	if got := e.titles(again, "alice"); got != "Outlive the app" {
		t.Errorf("alice has %q to do", got)
	}
	e.expect(tasks(again, "alice", old), http.StatusOK)
	message := e.kubectl("get", "todoapp", "todo", "-o", `jsonpath={.status.conditions[?(@.type=="KeysInSync")].message}`)
	if !strings.Contains(message, "The keyring was found") {
		t.Errorf("the status says %q", message)
	}
	e.await("the Event", startWithin, func() error {
		if events := e.kubectl("get", "events.events.k8s.io"); !strings.Contains(events, "KeyringFound") {
			return fmt.Errorf("there is no Event KeyringFound:\n%s", events)
		}
		return nil
	})
}

// TestDeleteReclaims checks that the volume and the keyring go with their app if their reclaimPolicy is Delete.
func TestDeleteReclaims(t *testing.T) {
	e := newEnvironment(t)
	app := e.apply("todo", `{auth: {reclaimPolicy: Delete}, backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.awaitReady(app)
	claim := &corev1.PersistentVolumeClaim{}
	e.get(claim, desired.Data(app))
	e.remove(app)
	e.await("the end of the claim", startWithin, func() error { return gone(t.Context(), claim) })
	volume := &corev1.PersistentVolume{}
	volume.Name = claim.Spec.VolumeName
	e.await("the end of the volume", startWithin, func() error { return gone(t.Context(), volume) })
}

// remove deletes an app and waits until its objects are gone, except claims and a retained keyring.
func (e *environment) remove(app *todov1.TodoApp) {
	e.Helper()
	must(e, cluster.Delete(e.Context(), app))
	e.await("the end of what the app had", startWithin, func() error {
		for _, list := range []client.ObjectList{
			&corev1.SecretList{}, &appsv1.DeploymentList{}, &appsv1.ReplicaSetList{}, &corev1.PodList{}, &corev1.ServiceList{},
		} {
			objects, err := e.labelled(list, app.Name)
			if err != nil {
				return err
			}
			objects = slices.DeleteFunc(objects, func(o client.Object) bool {
				return app.Spec.Auth.ReclaimPolicy != todov1.ReclaimDelete && o.GetName() == desired.Keyring(app)
			})
			if len(objects) > 0 {
				return fmt.Errorf("%T %s is still there", objects[0], objects[0].GetName())
			}
		}
		return nil
	})
}
