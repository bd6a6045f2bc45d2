package controllers_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// TestACreationTakesNothing: of every kind that the operator writes, Create and an apply with an unused version create a missing
// object, and fail if there is an object, even if that one is the same. The apply owns its fields as any later apply.
func TestACreationTakesNothing(t *testing.T) {
	e := newEnvironment(t)
	keys, images := desired.Keys{}, desired.Images{TaskAPI: "api"}
	for _, config := range desired.Objects(e.app("todo", everything), keys, images, desired.Network{Policies: true}) {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(config)
		must(t, err)
		want := &unstructured.Unstructured{Object: content}
		create := func(object *unstructured.Unstructured) error {
			return e.client.Create(t.Context(), object, client.FieldOwner(controllers.FieldOwner))
		}
		apply := func(object *unstructured.Unstructured) error {
			object.SetResourceVersion("1")
			applied := client.ApplyConfigurationFromUnstructured(object)
			return e.client.Apply(t.Context(), applied, client.FieldOwner(controllers.FieldOwner), client.ForceOwnership)
		}
		if err := e.client.Create(t.Context(), want.DeepCopy(), client.FieldOwner(controllers.FieldOwner), client.DryRunAll); err != nil {
			t.Errorf("%s is not created: %v", want.GetKind(), err)
		}
		made := want.DeepCopy()
		if err := apply(made); err != nil {
			t.Errorf("%s was not created: %v", want.GetKind(), err)
			continue
		}
		if fields := made.GetManagedFields(); len(fields) != 1 || fields[0].Operation != metav1.ManagedFieldsOperationApply {
			t.Errorf("fields of %s are owned by %v", want.GetKind(), fields)
		}
		if err := apply(want.DeepCopy()); !apierrors.IsConflict(err) {
			t.Errorf("an existing %s was taken: %v", want.GetKind(), err)
		}
		if err := create(want.DeepCopy()); !apierrors.IsAlreadyExists(err) {
			t.Errorf("an existing %s was created again: %v", want.GetKind(), err)
		}
	}
}
