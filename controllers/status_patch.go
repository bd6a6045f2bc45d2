package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// patchStatus writes the status if it differs from the app's present one.
func (r *Reconciler) patchStatus(ctx context.Context, app *todov1.TodoApp, status todov1.TodoAppStatus) error {
	if equality.Semantic.DeepEqual(app.Status, status) {
		return nil
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{"status": content}}
	object.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
	object.SetNamespace(app.Namespace)
	object.SetName(app.Name)
	object.SetUID(app.UID)
	config := client.ApplyConfigurationFromUnstructured(object)
	err = r.Client.Status().Apply(ctx, config, client.FieldOwner(FieldOwner), client.ForceOwnership)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // the app is gone
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	write := ownWrite{object.GroupVersionKind(), app.Name, app.ResourceVersion}
	r.ownWrites.note(client.ObjectKeyFromObject(app), write, object.GetResourceVersion())
	return nil
}
