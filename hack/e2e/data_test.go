//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// A TodoApp goes with all it had but its tasks; another of its name has them again, under a new key.
func TestDeleteKeepsTasks(t *testing.T) {
	s := newStage(t)
	app := s.apply("todo", `{}`)
	s.awaitReady(app)
	s.expect(adding(tasks(app, "alice", s.token(app, "alice")), "Outlive the app"), http.StatusCreated)
	old := s.token(app, "alice")
	s.remove(app)
	s.get(&corev1.PersistentVolumeClaim{}, desired.Data(app))

	again := s.apply("todo", `{}`)
	s.awaitReady(again)
	// The name led to another Service a moment ago. DNS and the node take up the new one in their own time.
	s.await("the way to the new Service", startWithin, func() error {
		_, err := ask[agent.Reply](s.Context(), "call", tasks(again, "alice", ""))
		return err
	})
	if got := s.titles(again, "alice"); got != "Outlive the app" {
		t.Errorf("alice has %q to do", got)
	}
	s.expect(tasks(again, "alice", old), http.StatusUnauthorized)
}

// With reclaimPolicy Delete the volume goes too.
func TestDeleteReclaims(t *testing.T) {
	s := newStage(t)
	app := s.apply("todo", `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	s.awaitReady(app)
	claim := &corev1.PersistentVolumeClaim{}
	s.get(claim, desired.Data(app))
	s.remove(app)
	s.await("the end of the claim", startWithin, func() error { return gone(t.Context(), claim) })
	volume := &corev1.PersistentVolume{}
	volume.Name = claim.Spec.VolumeName
	s.await("the end of the volume", startWithin, func() error { return gone(t.Context(), volume) })
}

// remove deletes an app and waits until what it had is gone, but for claims.
func (s *stage) remove(app *todov1.TodoApp) {
	s.Helper()
	must(s, cluster.Delete(s.Context(), app))
	s.await("the end of what the app had", startWithin, func() error {
		for _, list := range []client.ObjectList{
			&corev1.SecretList{}, &appsv1.DeploymentList{}, &appsv1.ReplicaSetList{}, &corev1.PodList{}, &corev1.ServiceList{},
		} {
			objects, err := s.labelled(list, app.Name)
			if err != nil {
				return err
			}
			if len(objects) > 0 {
				return fmt.Errorf("%T %s is still there", objects[0], objects[0].GetName())
			}
		}
		return nil
	})
}
