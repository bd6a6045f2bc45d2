package controllers_test

import (
	"errors"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// A Secret outlives a change of its name until nothing that runs pods refers to it: with an image that does not start, the old
// pods go on serving, and must be able to start again.
func TestASecretThatPodsReferToIsNotPruned(t *testing.T) {
	for name, user := range map[string]func(corev1.PodTemplateSpec) client.Object{
		"pod": func(template corev1.PodTemplateSpec) client.Object {
			return &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		},
		"ReplicaSet": func(template corev1.PodTemplateSpec) client.Object {
			return &appsv1.ReplicaSet{ObjectMeta: template.ObjectMeta, Spec: appsv1.ReplicaSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template}}
		},
		"Deployment": func(template corev1.PodTemplateSpec) client.Object {
			return &appsv1.Deployment{ObjectMeta: template.ObjectMeta, Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(t)
			p := e.start()
			app := e.app("todo")
			e.settled("todo")
			using := user(corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "user",
					Labels: map[string]string{todov1.LabelApp: "todo", todov1.LabelComponent: todov1.ComponentFrontend}},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "main", EnvFrom: []corev1.EnvFromSource{{
					SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "todo-frontend-auth"}}}}}}},
			})
			must(t, e.client.Create(t.Context(), using))
			e.merge(app, `{"spec":{"frontend":{"secretRef":{"name":"renamed"}}}}`)
			eventually(t, func() error { return e.get("renamed", &corev1.Secret{}) })
			e.quiet(p)
			must(t, e.get("todo-frontend-auth", &corev1.Secret{}))
			must(t, e.client.Delete(t.Context(), using, client.GracePeriodSeconds(0)))
			e.gone("todo-frontend-auth", &corev1.Secret{})
		})
	}
}

// A missing object is created before it is applied, so the operator owns its fields twice at first. They still go with the spec.
func TestAFieldThatIsNoLongerDesiredIsRemoved(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image = "web:1"
		a.Spec.Frontend.Env = []corev1.EnvVar{{Name: "DEBUG", Value: "all"}, {Name: "KEPT", Value: "1"}}
		a.Spec.Ingress = &todov1.IngressSpec{Host: "todo.example.com", Annotations: map[string]string{"example.com/a": "1"}}
	})
	variables := func(want string) func() error {
		return func() error {
			var d appsv1.Deployment
			var ingress networkingv1.Ingress
			if err := errors.Join(e.get("todo-frontend", &d), e.get("todo", &ingress)); err != nil {
				return err
			}
			var names []string
			for _, v := range d.Spec.Template.Spec.Containers[0].Env[:2] {
				names = append(names, v.Name)
			}
			if got := fmt.Sprint(names, len(ingress.Annotations)); got != want {
				return fmt.Errorf("the variables and annotations are %s, expected %s", got, want)
			}
			return nil
		}
	}
	eventually(t, variables("[DEBUG KEPT] 1"))
	e.merge(app, `{"spec":{"frontend":{"env":[{"name":"KEPT","value":"1"}]},"ingress":{"annotations":null}}}`)
	eventually(t, variables("[KEPT API_URL] 0"))
}
