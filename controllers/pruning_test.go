package controllers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
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

// Releases up to 0.2.0 created an object before they applied it, so the operator owns its fields twice. They still go with the
// spec, and the fields of other managers stay theirs.
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
	e.ownedTwice("todo")
	e.merge(app, `{"spec":{"frontend":{"env":[{"name":"KEPT","value":"1"}]},"ingress":{"annotations":null}}}`)
	eventually(t, variables("[KEPT API_URL] 1"))
	var ingress networkingv1.Ingress
	must(t, e.get("todo", &ingress))
	if ingress.Annotations["example.com/theirs"] != "1" ||
		!slices.ContainsFunc(ingress.ManagedFields, func(f metav1.ManagedFieldsEntry) bool { return f.Manager == "them" }) {
		t.Errorf("the annotation of another manager: %v, owned by %v", ingress.Annotations, ingress.ManagedFields)
	}
}

// ownedTwice adds an annotation of another manager to an Ingress, and makes the operator own its fields by an apply and by an
// update.
func (e *environment) ownedTwice(name string) {
	e.t.Helper()
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}}
	theirs := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"example.com/theirs":"1"}}}`))
	must(e.t, e.client.Patch(e.t.Context(), ingress, theirs, client.FieldOwner("them")))
	for _, entry := range ingress.ManagedFields {
		if strings.HasPrefix(entry.Manager, controllers.FieldOwner) {
			for _, operation := range []metav1.ManagedFieldsOperationType{
				metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate,
			} {
				entry.Manager, entry.Operation = controllers.FieldOwner, operation
				ingress.ManagedFields = append(ingress.ManagedFields, entry)
			}
			break
		}
	}
	must(e.t, e.client.Update(e.t.Context(), ingress, client.FieldOwner("test")))
}

// Labels, annotations, finalizers and owners that others add to the app's Secrets outlive a rotation, though the cache lacks them.
func TestWhatOthersAddToSecretsOutlivesARotation(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	app := e.app("todo")
	e.settled("todo")
	e.phase("todo", "Stable", "")
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "owner"}}
	must(t, e.client.Create(t.Context(), owner))
	for _, name := range secretNames {
		secret := &corev1.Secret{}
		must(t, e.get(name, secret))
		secret.Labels["example.com/team"], secret.Annotations["example.com/note"] = "a", "b"
		secret.Finalizers = append(secret.Finalizers, "example.com/keep")
		secret.OwnerReferences = append(secret.OwnerReferences,
			metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID})
		must(t, e.client.Update(t.Context(), secret, client.FieldOwner("them")))
	}
	e.quiet(p)
	e.ask(app, "rotateAfter")
	eventually(t, func() error {
		key, err := e.active("todo")
		if err == nil && key.Version != 2 {
			err = fmt.Errorf("key %d is active", key.Version)
		}
		return err
	})
	e.settled("todo")
	for _, name := range secretNames {
		secret := &corev1.Secret{}
		must(t, e.get(name, secret))
		owned := slices.ContainsFunc(secret.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == owner.UID })
		if secret.Labels["example.com/team"] != "a" || secret.Annotations["example.com/note"] != "b" ||
			!slices.Contains(secret.Finalizers, "example.com/keep") || !owned {
			t.Errorf("of what others added to %s remains %+v", name, secret.ObjectMeta)
		}
		secret.Finalizers = nil
		must(t, e.client.Update(t.Context(), secret))
	}
}
