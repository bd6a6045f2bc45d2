package controllers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// everything is an app that needs an object of every kind.
func everything(a *todov1.TodoApp) {
	a.Spec.Frontend.Image, a.Spec.Frontend.Replicas = "web:1", new(int32(2))
	a.Spec.Ingress = &todov1.IngressSpec{Host: "todo.example.com"}
}

func withPolicies(r *controllers.Reconciler) {
	r.Network = desired.Network{Policies: true, OperatorNamespace: "todoapp-system"}
}

// foreignObjects returns an object of another owner under every name of the app "todo", and whether it can be handed over. Where
// it can, it is such that the app can use it.
func foreignObjects() map[string]struct {
	object client.Object
	usable bool
} {
	type row = struct {
		object client.Object
		usable bool
	}
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	labels := map[string]string{"app": "else"}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	key := map[string][]byte{keyring.EntrySecret: []byte(byHand)}
	pod := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "main"}}}}
	port := networkingv1.ServiceBackendPort{Number: 80}
	return map[string]row{
		"the frontend's Secret": {&corev1.Secret{ObjectMeta: named("todo-frontend-auth"), Data: key}, true},
		"the backend's Secret":  {&corev1.Secret{ObjectMeta: named("todo-backend-auth"), Data: key}, true},
		"a Secret of many entries": {&corev1.Secret{ObjectMeta: named("todo-backend-auth"), Data: map[string][]byte{
			"DATABASE_URL": []byte("postgres://"), keyring.EntrySecret: []byte(byHand)}}, false},
		"the keyring": {&corev1.Secret{ObjectMeta: named("todo-keyring"), Data: map[string][]byte{"API_KEY": []byte("x")}}, false},
		"the claim": {&corev1.PersistentVolumeClaim{ObjectMeta: named("todo-data"), Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: *quantity("5Gi")}}}}, true},
		"the backend's Service": {&corev1.Service{ObjectMeta: named("todo-backend"), Spec: corev1.ServiceSpec{
			Ports: []corev1.ServicePort{{Name: "http", Port: 8000}}}}, true},
		"the frontend's Service": {&corev1.Service{ObjectMeta: named("todo-frontend"), Spec: corev1.ServiceSpec{
			Selector: labels, Ports: []corev1.ServicePort{{Name: "http", Port: 3000}}}}, true},
		"the Deployment": {&appsv1.Deployment{ObjectMeta: named("todo-backend"),
			Spec: appsv1.DeploymentSpec{Selector: selector, Template: pod}}, false},
		"the Ingress": {&networkingv1.Ingress{ObjectMeta: named("todo"), Spec: networkingv1.IngressSpec{
			DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "x", Port: port}}}}, false},
		"the NetworkPolicy": {&networkingv1.NetworkPolicy{ObjectMeta: named("todo-backend"),
			Spec: networkingv1.NetworkPolicySpec{PodSelector: *selector}}, false},
		"the disruption budget": {&policyv1.PodDisruptionBudget{ObjectMeta: named("todo-frontend"),
			Spec: policyv1.PodDisruptionBudgetSpec{Selector: selector, MinAvailable: new(intstr.FromInt32(1))}}, false},
	}
}

// content returns an object as JSON.
func content(t *testing.T, object client.Object) string {
	t.Helper()
	data, err := json.Marshal(object)
	must(t, err)
	return string(data)
}

func (e *environment) message(app, kind string) string {
	var live todov1.TodoApp
	must(e.t, e.get(app, &live))
	if c := meta.FindStatusCondition(live.Status.Conditions, kind); c != nil {
		return c.Message
	}
	return ""
}

// An object that the operator did not make is not changed in any byte, and is still there when the app is gone. Only its owner's
// mark on a Secret, claim or Service changes that.
func TestForeignObjectsAreLeftAlone(t *testing.T) {
	for name, row := range foreignObjects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(t)
			object := row.object
			object.SetNamespace(e.namespace)
			must(t, e.client.Create(t.Context(), object))
			before := content(t, object)
			p := e.start(withPolicies)
			app := e.app("todo", everything)
			e.isForeign(object)
			e.quiet(p)
			must(t, e.get(object.GetName(), object))
			if after := content(t, object); after != before {
				t.Errorf("it was changed from\n%s\nto\n%s", before, after)
			}
			if key, err := e.active("todo"); err == nil && string(key.Value) == byHand {
				t.Error("the secret of another owner became the app's key")
			}
			e.handOver(object, "todo")
			if row.usable {
				e.becomesOwned(object, app)
				return
			}
			before = content(t, object)
			e.merge(app, `{"spec":{"auth":{"rotation":{"historyLimit":9}}}}`)
			eventually(t, func() error { return e.observed("todo", 2) })
			e.isForeign(object)
			must(t, e.client.Delete(t.Context(), app))
			e.gone("todo", &todov1.TodoApp{})
			e.quiet(p)
			must(t, e.get(object.GetName(), object))
			if after := content(t, object); after != before {
				t.Errorf("the mark was enough to change it from\n%s\nto\n%s", before, after)
			}
		})
	}
}

// An object of another owner may come just before the operator would make its own: nothing is applied to it.
func TestAForeignObjectThatComesLastIsLeftAlone(t *testing.T) {
	for name, row := range foreignObjects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(t)
			object := row.object
			object.SetNamespace(e.namespace)
			before := make(chan string, 1)
			e.app("todo", everything)
			p := e.start(withPolicies, interrupt(afterObjects, func() {
				must(t, e.client.Create(t.Context(), object))
				before <- content(t, object)
			}))
			expected := <-before
			e.isForeign(object)
			e.quiet(p)
			must(t, e.get(object.GetName(), object))
			if after := content(t, object); after != expected {
				t.Errorf("it was changed from\n%s\nto\n%s", expected, after)
			}
		})
	}
}

// isForeign awaits that the app says which object is foreign, and what its owner can do.
func (e *environment) isForeign(object client.Object) {
	e.t.Helper()
	eventually(e.t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonForeignObject)
	})
	message := e.message("todo", todov1.ConditionReady)
	if want := " " + object.GetName() + " " + desired.OwnershipOf(object, &todov1.TodoApp{
		ObjectMeta: metav1.ObjectMeta{Name: "todo"}}).String(); !strings.Contains(message, want) {
		e.t.Errorf("the message is %q, and does not say %q", message, want)
	}
}

// becomesOwned awaits that an object that was handed over is the app's, and that nothing is foreign any more.
func (e *environment) becomesOwned(object client.Object, app *todov1.TodoApp) {
	e.t.Helper()
	// The cache does not contain an object without the app's label, so only a change of the app makes the mark noticed at once.
	e.merge(app, `{"spec":{"auth":{"rotation":{"historyLimit":9}}}}`)
	_, claim := object.(*corev1.PersistentVolumeClaim)
	eventually(e.t, func() error {
		must(e.t, e.get(object.GetName(), object))
		if !desired.Managed(object) || !claim && !metav1.IsControlledBy(object, app) {
			return fmt.Errorf("%T %s is not the app's: %v %v", object, object.GetName(), object.GetLabels(), object.GetOwnerReferences())
		}
		return e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync)
	})
	if claim, ok := object.(*corev1.PersistentVolumeClaim); ok {
		if size := claim.Spec.Resources.Requests.Storage(); size.Cmp(*quantity("5Gi")) != 0 {
			e.t.Errorf("the claim now asks for %s", size)
		}
	}
	if key, err := e.active("todo"); err != nil {
		e.t.Error(err)
	} else if _, secret := object.(*corev1.Secret); secret && string(key.Value) != byHand {
		e.t.Error("the secret that was handed over did not become the key")
	}
}
