package controllers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// The tests of this file replay bugs that users of other operators have reported. Each names the report.

// edit changes a live object by a strategic merge patch of another field manager, as kubectl edit does.
func (e *environment) edit(object client.Object, patch string) {
	e.t.Helper()
	must(e.t, e.client.Patch(e.t.Context(), object, client.RawPatch(types.StrategicMergePatchType, []byte(patch)),
		client.FieldOwner("kubectl-edit")))
}

func backendDeployment(e *environment) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo-backend"}}
}

// opendatahub-io/odh-dashboard#9028, and its siblings: another field manager chooses the other member of a union. An apply adds the
// operator's member and leaves the other, so that the API server rejects the object for ever.
func TestUnionsOfAnotherFieldManagerAreReset(t *testing.T) {
	const container = `{"spec":{"template":{"spec":{"containers":[{"name":"backend",`
	for name, patch := range map[string]string{
		"the handler of a probe": container + `"readinessProbe":{"$patch":"replace","exec":{"command":["true"]}}}]}}}}`,
		"the source of a variable": container + `"env":[{"name":"A","value":null,
			"valueFrom":{"configMapKeyRef":{"name":"a","key":"b"}}}]}]}}}}`,
		"the source of a volume": `{"spec":{"template":{"spec":{
			"volumes":[{"name":"auth","$retainKeys":["name","emptyDir"],"emptyDir":{}}]}}}}`,
		"the strategy": `{"spec":{"strategy":{
			"$retainKeys":["type","rollingUpdate"],"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t)
			p := e.start()
			e.app("todo", func(a *todov1.TodoApp) { a.Spec.Backend.Env = []corev1.EnvVar{{Name: "A", Value: "b"}} })
			e.settled("todo")
			e.quiet(p)
			var before, after appsv1.Deployment
			must(t, e.get("todo-backend", &before))
			e.edit(backendDeployment(e), patch)
			eventually(t, func() error {
				if err := e.get("todo-backend", &after); err != nil {
					return err
				}
				if difference := cmp.Diff(before.Spec, after.Spec); difference != "" {
					return fmt.Errorf("the Deployment differs:\n%s", difference)
				}
				return nil
			})
			e.quiet(p)
			must(t, e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync))
		})
	}
}

// The same of a disruption budget: minAvailable and maxUnavailable exclude each other.
func TestABudgetOfAnotherFieldManagerIsReset(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	e.app("todo", onPostgres(2))
	e.settled("todo")
	e.quiet(p)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "todo-backend"}}
	e.edit(budget, `{"spec":{"maxUnavailable":null,"minAvailable":2}}`)
	eventually(t, func() error {
		if err := e.get("todo-backend", budget); err != nil {
			return err
		}
		if budget.Spec.MinAvailable != nil || budget.Spec.MaxUnavailable == nil || *budget.Spec.MaxUnavailable != intstr.FromInt32(1) {
			return fmt.Errorf("the budget is %+v", budget.Spec)
		}
		return nil
	})
}

// open-telemetry/opentelemetry-operator#1300: "kubectl rollout restart" annotates the pod template, and the operator took the
// annotation away, which stopped the restart half-way.
func TestARolloutRestartIsNotUndone(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo")
	e.settled("todo")
	e.quiet(p)
	e.edit(backendDeployment(e), `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}}}`)
	e.touch(app, "again")
	e.quiet(p)
	e.restartedRequests(p)
	e.merge(app, `{"spec":{"backend":{"env":[{"name":"A","value":"b"}]}}}`)
	eventually(t, func() error {
		d := backendDeployment(e)
		if err := e.get("todo-backend", d); err != nil {
			return err
		}
		if d.Generation != 3 || d.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] != "now" {
			return fmt.Errorf("generation %d has %v", d.Generation, d.Spec.Template.Annotations)
		}
		return nil
	})
}

// jaegertracing/jaeger-operator#963: a restart of the operator set the replicas of an autoscaled Deployment to one.
func TestARestartLeavesTheReplicasToTheAutoscaler(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	e.app("todo", onPostgres(1), func(a *todov1.TodoApp) { a.Spec.Backend.Autoscaling = &todov1.AutoscalingSpec{External: true} })
	e.settled("todo")
	e.quiet(p)
	e.scale(5)
	e.quiet(p)
	stop := e.counts()
	e.restartedRequests(p)
	e.replicas(5, false)
	for _, count := range stop() {
		if count != 5 {
			t.Errorf("the restart set %d replicas", count)
		}
	}
}

// argoproj-labs/argocd-operator#2214 and 1Password/onepassword-operator#102: metadata by which GitOps tools and kubectl track the
// app was copied to the objects of the app, which the tools then deleted.
func TestObjectsDoNotInheritTracking(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	tracking := map[string]string{
		"app.kubernetes.io/instance": "shop", "argocd.argoproj.io/instance": "shop", "argocd.argoproj.io/tracking-id": "shop:todo",
		"kustomize.toolkit.fluxcd.io/name": "shop", "helm.sh/chart": "shop-1.0.0", "meta.helm.sh/release-name": "shop",
		"kubectl.kubernetes.io/last-applied-configuration": "{}",
	}
	e.app("todo", onPostgres(2), func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Annotations, a.Labels = tracking, map[string]string{}
		for name, value := range tracking {
			if !strings.ContainsAny(value, ":{") {
				a.Labels[name] = value
			}
		}
	})
	e.settled("todo")
	e.quiet(p)
	objects := e.objects("todo")
	if len(objects) < 8 {
		t.Errorf("%d objects found, expected 8 and more", len(objects))
	}
	for _, object := range objects {
		for name := range tracking {
			_, label := object.GetLabels()[name]
			_, annotation := object.GetAnnotations()[name]
			if label || annotation {
				t.Errorf("%T %s inherits %s", object, object.GetName(), name)
			}
		}
	}
}

// strimzi/strimzi-kafka-operator#6582: a paused resource did not stay so; the next reconcile gave it the state of a new one.
func TestAPauseOutlivesARestart(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo")
	e.settled("todo")
	e.quiet(p)
	e.pause(app)
	e.merge(app, `{"spec":{"backend":{"env":[{"name":"A","value":"b"}]}}}`)
	plan := "update Deployment todo-backend: template.spec.containers[name=\"backend\"].env[name=\"A\"].value"
	e.planned("todo", plan)
	p.stop()
	p = e.start()
	e.writesOnlyStatus(p)
	e.planned("todo", plan)
	must(t, e.condition("todo", todov1.ConditionPaused, metav1.ConditionTrue, todov1.ReasonPaused))
	var secret corev1.Secret
	must(t, e.get("todo-keyring", &secret))
}
