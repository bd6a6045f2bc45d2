//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// TestAutoscaling changes the number of backends by an autoscaler while keys rotate and users work. The cluster has no
// metrics, so the autoscaler moves only by its limits, and the app says so.
func TestAutoscaling(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	must(t, cluster.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "db"},
		StringData: map[string]string{"url": databaseURL(t)}}))
	app := e.apply("scaled", `{auth: {tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}}, `+
		`frontend: {image: "`+probeImage+`", replicas: 2}, `+
		`backend: {replicas: 2, storage: {postgres: {urlSecretRef: {name: db, key: url}}}}}`)
	e.awaitReady(app)
	users := []*user{e.startUser(app)}

	e.merge(app, `{"spec":{"backend":{"autoscaling":{"minReplicas":4,"maxReplicas":6}}}}`)
	e.pausedRotation(app)
	e.awaitReplicas(app, 4)
	e.awaitCondition(app, todov1.ConditionAutoscalerActive, metav1.ConditionFalse, todov1.ReasonNotScaling)
	e.merge(app, `{"spec":{"backend":{"autoscaling":{"minReplicas":1,"maxReplicas":2}}}}`)
	e.awaitReplicas(app, 2)
	e.awaitCondition(app, todov1.ConditionRotationComplete, metav1.ConditionTrue, "")

	e.merge(app, `{"spec":{"backend":{"autoscaling":null,"replicas":2},"frontend":{"autoscaling":{"minReplicas":2,"maxReplicas":3}}}}`)
	e.await("the autoscaler of the other component", startWithin, func() error {
		err := cluster.Get(t.Context(), client.ObjectKey{Namespace: e.namespace, Name: desired.Backend(app)},
			&autoscalingv2.HorizontalPodAutoscaler{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("the backend's is still there (%w)", err)
		}
		return cluster.Get(t.Context(), client.ObjectKey{Namespace: e.namespace, Name: desired.Frontend(app)},
			&autoscalingv2.HorizontalPodAutoscaler{})
	})
	e.awaitReplicas(app, 2)
	e.judge(users)
}

// pausedRotation starts a rotation, pauses it before the new key signs, reads the plan and resumes it.
func (e *environment) pausedRotation(app *todov1.TodoApp) {
	e.Helper()
	e.merge(app, fmt.Sprintf(`{"spec":{"auth":{"rotation":{"rotateAfter":%q}}}}`, e.serverTime()))
	e.await("a published key", stepWithin, func() error {
		e.get(app, app.Name)
		if r := app.Status.Rotation; r == nil || r.Phase != todov1.RotationPublishing {
			return fmt.Errorf("the rotation is %+v", r)
		}
		return nil
	})
	e.merge(app, `{"metadata":{"annotations":{"`+todov1.AnnotationPaused+`":"true"}}}`)
	e.awaitCondition(app, todov1.ConditionPaused, metav1.ConditionTrue, todov1.ReasonPaused)
	e.await("the plan to promote", stepWithin, func() error {
		e.get(app, app.Name)
		if len(app.Status.Plan) == 0 || app.Status.Plan[0] != "promote key 2" {
			return fmt.Errorf("the plan is %q", app.Status.Plan)
		}
		return nil
	})
	if active := app.Status.Keys[1]; active.Version != 1 || active.State != todov1.KeyActive {
		e.Errorf("during the pause the keys are %+v", app.Status.Keys)
	}
	e.merge(app, `{"metadata":{"annotations":{"`+todov1.AnnotationPaused+`":null}}}`)
}

// awaitReplicas waits until the backend has a number of pods, and all of them are ready.
func (e *environment) awaitReplicas(app *todov1.TodoApp, want int32) {
	e.Helper()
	e.await(fmt.Sprintf("%d backends", want), stepWithin, func() error {
		var d appsv1.Deployment
		e.get(&d, desired.Backend(app))
		if *d.Spec.Replicas != want || d.Status.ReadyReplicas != want || d.Status.Replicas != want {
			return errors.New("there are " + fmt.Sprint(*d.Spec.Replicas, d.Status.Replicas, d.Status.ReadyReplicas))
		}
		return nil
	})
}

func (e *environment) merge(app *todov1.TodoApp, patch string) {
	e.Helper()
	must(e, cluster.Patch(e.Context(), app, client.RawPatch("application/merge-patch+json", []byte(patch))))
}
