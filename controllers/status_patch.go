package controllers

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// patchStatus writes the status if it differs from the app's present one. The API server answers with the metadata alone, because
// the cache shows the rest anyway.
func (r *Reconciler) patchStatus(ctx context.Context, app *todov1.TodoApp, status todov1.TodoAppStatus) error {
	if equality.Semantic.DeepEqual(app.Status, status) {
		return nil
	}
	answer := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name, UID: app.UID}}
	answer.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
	content, err := json.Marshal(struct {
		*metav1.PartialObjectMetadata
		Status todov1.TodoAppStatus `json:"status"`
	}{answer, status})
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	apply := client.RawPatch(types.ApplyPatchType, content)
	err = r.Client.Status().Patch(ctx, answer, apply, client.FieldOwner(FieldOwner), client.ForceOwnership)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // the app is gone
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	write := ownWrite{answer.GroupVersionKind(), app.Name, app.ResourceVersion}
	r.ownWrites.note(client.ObjectKeyFromObject(app), write, answer.ResourceVersion)
	return nil
}
