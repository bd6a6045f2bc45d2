package controllers

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// pageSize bounds how many objects of the API server are in memory before they are trimmed.
const pageSize = 20

// pagedReader lists from the API server page by page, and keeps of each object of an app only what decisions read.
type pagedReader struct {
	client.Reader
	app *todov1.TodoApp
}

// List implements client.Reader.
func (r pagedReader) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var all []runtime.Object
	for next := ""; ; {
		page := pageOf(list)
		if err := r.Reader.List(ctx, page, append(slices.Clone(options), client.Limit(pageSize), client.Continue(next))...); err != nil {
			return err //nolint:wrapcheck // it is one reader in front of another
		}
		err := meta.EachListItem(page, func(item runtime.Object) error {
			all = append(all, r.keep(item))
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading a page: %w", err)
		}
		if next = page.GetContinue(); next == "" {
			return meta.SetList(list, all) //nolint:wrapcheck // the items are of the list's type
		}
	}
}

// pageOf returns an empty list of the same kind. Secrets are listed by their metadata, because the operator reads the content of
// a Secret by its name.
func pageOf(list client.ObjectList) client.ObjectList {
	if _, ok := list.(*corev1.SecretList); ok {
		page := &metav1.PartialObjectMetadataList{}
		page.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
		return page
	}
	page, _ := list.DeepCopyObject().(client.ObjectList)
	return page
}

// keep trims an object. Pods and ReplicaSets keep their state whatever their size, and so do the objects under the names that
// the app's own have.
func (r pagedReader) keep(item runtime.Object) runtime.Object {
	switch object := item.(type) {
	case *metav1.PartialObjectMetadata:
		secret := &corev1.Secret{ObjectMeta: object.ObjectMeta}
		trimMetadata(secret)
		secret.SetManagedFields(nil)
		return secret
	case *todov1.TodoApp:
		if object.UID != r.app.UID {
			object.ManagedFields, object.Status = nil, todov1.TodoAppStatus{}
			object.Spec.Frontend.WorkloadSpec, object.Spec.Backend.WorkloadSpec = todov1.WorkloadSpec{}, todov1.WorkloadSpec{}
		}
	case *corev1.Pod, *appsv1.ReplicaSet:
		shrink(object.(client.Object)) //nolint:forcetypeassert // both are
	case client.Object:
		own := []string{r.app.Name, desired.Frontend(r.app), desired.Backend(r.app), desired.Data(r.app)}
		if !slices.Contains(own, object.GetName()) {
			return bounded(object)
		}
	}
	return item
}
