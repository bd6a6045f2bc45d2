package controllers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// onPostgres gives a backend a number of replicas.
func onPostgres(replicas int32) func(*todov1.TodoApp) {
	return func(a *todov1.TodoApp) {
		a.Spec.Backend.Replicas = &replicas
		a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: "db"}, Key: "url"}}
	}
}

// scale sets the replicas of the backend's Deployment as an autoscaler does.
func (e *environment) scale(replicas int32) {
	e.t.Helper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo-backend"}}
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	must(e.t, e.client.SubResource("scale").Update(e.t.Context(), d, client.WithSubResourceBody(scale)))
}

// replicas awaits the replicas of the backend's Deployment, and who owns the field: the operator or not.
func (e *environment) replicas(want int32, operators bool) {
	e.t.Helper()
	eventually(e.t, func() error {
		var d appsv1.Deployment
		if err := e.get("todo-backend", &d); err != nil {
			return err
		}
		owned := false
		for _, entry := range d.ManagedFields {
			operators := strings.HasPrefix(entry.Manager, "todoapp-operator") && entry.Manager != "todoapp-operator-replicas"
			owned = owned || operators && entry.Subresource == "" && strings.Contains(entry.FieldsV1.GetRawString(), `"f:replicas"`)
		}
		if *d.Spec.Replicas != want || owned != operators {
			return fmt.Errorf("%d replicas, owned by the operator: %t; want %d, %t", *d.Spec.Replicas, owned, want, operators)
		}
		return nil
	})
}

// counts records the replicas of every version of a Deployment until the returned function is called.
func (e *environment) counts() (stop func() []int32) {
	e.t.Helper()
	seen := e.watch(&appsv1.DeploymentList{})
	var replicas []int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range seen.ResultChan() {
			if d, ok := event.Object.(*appsv1.Deployment); ok {
				replicas = append(replicas, *d.Spec.Replicas)
			}
		}
	}()
	return func() []int32 {
		seen.Stop()
		<-done
		return replicas
	}
}

// The count of a Deployment must not drop for a moment when the operator leaves it to an autoscaler, or takes it back.
func TestAnAutoscalerTakesOverWithoutADip(t *testing.T) {
	for name, scaling := range map[string]string{
		"of the operator": `{"minReplicas":2,"maxReplicas":9}`, "elsewhere": `{"external":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t)
			p := e.start()
			app := e.app("todo", onPostgres(3))
			e.replicas(3, true)
			e.quiet(p)
			stop := e.counts()
			e.merge(app, `{"spec":{"backend":{"autoscaling":`+scaling+`}}}`)
			e.replicas(3, false)
			e.scale(5)
			e.quiet(p)
			e.replicas(5, false)
			e.merge(app, `{"spec":{"backend":{"env":[{"name":"A","value":"b"}]}}}`)
			e.quiet(p)
			e.replicas(5, false)
			e.merge(app, `{"spec":{"backend":{"autoscaling":null,"replicas":5}}}`)
			e.replicas(5, true)
			e.merge(app, `{"spec":{"backend":{"replicas":4}}}`)
			e.replicas(4, true)
			e.gone("todo-backend", &autoscalingv2.HorizontalPodAutoscaler{})
			if counts := stop(); len(counts) < 5 || slices.Min(counts) < 3 {
				t.Errorf("the versions of the Deployment have %v replicas, and three are the fewest", counts)
			}
		})
	}
}

func TestTheOperatorsAutoscaler(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo", onPostgres(1), func(a *todov1.TodoApp) {
		a.Spec.Backend.Autoscaling = &todov1.AutoscalingSpec{MinReplicas: new(int32(2)), MaxReplicas: new(int32(4))}
	})
	var scaler autoscalingv2.HorizontalPodAutoscaler
	eventually(t, func() error { return e.get("todo-backend", &scaler) })
	eventually(t, func() error { return e.get("todo-backend", &policyv1.PodDisruptionBudget{}) })
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionAutoscalerActive, metav1.ConditionUnknown, todov1.ReasonProgressing)
	})
	e.quiet(p)

	scaler.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
		Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "FailedGetResourceMetric",
		Message: "the HPA was unable to compute the replica count: no metrics returned"}}
	must(t, e.client.Status().Update(t.Context(), &scaler))
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionAutoscalerActive, metav1.ConditionFalse, todov1.ReasonNotScaling)
	})
	scaler.Status.Conditions[0].Status, scaler.Status.DesiredReplicas = corev1.ConditionTrue, 3
	must(t, e.client.Status().Update(t.Context(), &scaler))
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionAutoscalerActive, metav1.ConditionTrue, todov1.ReasonScaling)
	})
	e.merge(app, `{"spec":{"backend":{"autoscaling":{"maxReplicas":7,"minReplicas":1}}}}`)
	eventually(t, func() error {
		if err := e.get("todo-backend", &scaler); err != nil || scaler.Spec.MaxReplicas != 7 {
			return fmt.Errorf("at most %d replicas (%w)", scaler.Spec.MaxReplicas, err)
		}
		return nil
	})
	e.gone("todo-backend", &policyv1.PodDisruptionBudget{})
}

// "kubectl scale todoapp" and a HorizontalPodAutoscaler of the TodoApp use the subresource.
func TestATodoAppIsScaled(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo", onPostgres(1))
	e.replicas(1, true)
	var d appsv1.Deployment
	must(t, e.get("todo-backend", &d))
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 1}
	must(t, e.client.Status().Update(t.Context(), &d))
	scale := &autoscalingv1.Scale{}
	eventually(t, func() error {
		if err := e.client.SubResource("scale").Get(t.Context(), app, scale); err != nil {
			return err
		}
		want := "app.kubernetes.io/managed-by=todoapp-operator,todoapp.dev/app=todo,todoapp.dev/component=backend"
		if scale.Spec.Replicas != 1 || scale.Status.Replicas != 1 || scale.Status.Selector != want {
			return fmt.Errorf("the scale is %+v %+v", scale.Spec, scale.Status)
		}
		return nil
	})
	scale.Spec.Replicas = 4
	must(t, e.client.SubResource("scale").Update(t.Context(), app, client.WithSubResourceBody(scale)))
	e.replicas(4, true)
}
