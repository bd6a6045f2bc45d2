package integration_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// labelled is what a workload of a frontend carries.
var labelled = map[string]string{"todoapp.dev/app": "shop", "todoapp.dev/component": "frontend"}

// template is a frontend's.
func template() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{
			"todoapp.dev/app": "shop", "todoapp.dev/component": "frontend", "run": "web"}},
		Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways, Containers: []corev1.Container{{
			Name: "web", Image: "web:1",
			Env: []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}},
			EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "shop-frontend-auth"}}}},
		}}},
	}
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labelled}
}

// workloads are one of each kind.
func workloads(namespace, name string) []client.Object {
	selector, once := &metav1.LabelSelector{MatchLabels: map[string]string{"run": "web"}}, template()
	once.Spec.RestartPolicy = corev1.RestartPolicyNever
	return []client.Object{
		&appsv1.Deployment{ObjectMeta: meta(namespace, name), Spec: appsv1.DeploymentSpec{Selector: selector, Template: template()}},
		&appsv1.StatefulSet{ObjectMeta: meta(namespace, name), Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template()}},
		&appsv1.DaemonSet{ObjectMeta: meta(namespace, name), Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template()}},
		&appsv1.ReplicaSet{ObjectMeta: meta(namespace, name), Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: template()}},
		&batchv1.Job{ObjectMeta: meta(namespace, name), Spec: batchv1.JobSpec{Suspend: new(true), Template: once}},
		&batchv1.CronJob{ObjectMeta: meta(namespace, name), Spec: batchv1.CronJobSpec{
			Schedule: "0 0 1 1 *", JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: once}}}},
	}
}

// podPath is where a kind keeps its pod template.
func podPath(object client.Object) string {
	if _, ok := object.(*batchv1.CronJob); ok {
		return `{"spec":{"jobTemplate":{"spec":{"template":%}}}}`
	}
	return `{"spec":{"template":%}}`
}

// Every kind of workload is hooked and judged by its own pod template.
func TestEveryKindOfWorkload(t *testing.T) {
	ns := namespace(t, "kinds")
	create(t, app("shop", "{}"), ns)
	for _, object := range workloads(ns, "good") {
		if err := admin.Create(t.Context(), object, client.DryRunAll); err != nil {
			t.Errorf("%T: %v", object, err)
		}
	}
	for _, object := range workloads(ns, "freed") {
		create(t, object, ns)
		if err := admin.Patch(t.Context(), object, merge(unlabel)); err != nil {
			t.Errorf("taking the labels off %T: %v", object, err)
		}
		refusedForOtherSide(t, admin.Patch(t.Context(), object, merge(asBackend)), object)
	}
	for _, object := range workloads(ns, "bad") {
		object.SetLabels(map[string]string{"todoapp.dev/app": "shop", "todoapp.dev/component": "backend"})
		refusedForOtherSide(t, admin.Create(t.Context(), object, client.DryRunAll), object)
		object.SetLabels(map[string]string{"other": "label"})
		if err := admin.Create(t.Context(), object, client.DryRunAll); err != nil {
			t.Errorf("%T without labels: %v", object, err)
		}
	}
}

// unlabel takes the labels off a workload, asBackend makes it one of a backend.
const (
	unlabel   = `{"metadata":{"labels":{"todoapp.dev/app":null,"todoapp.dev/component":null}}}`
	asBackend = `{"metadata":{"labels":{"todoapp.dev/app":"shop","todoapp.dev/component":"backend"}}}`
)

func refusedForOtherSide(t *testing.T, err error, object client.Object) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), `Secret "shop-frontend-auth" belongs to the other component`) {
		t.Errorf("%T: %v", object, err)
	}
}

func create(t *testing.T, object client.Object, namespace string) {
	t.Helper()
	object.SetNamespace(namespace)
	if err := admin.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}
