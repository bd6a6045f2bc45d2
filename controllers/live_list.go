package controllers

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"

	"golang.org/x/sync/semaphore"
)

const (
	// pageSize bounds how many objects of the API server are in memory before they are trimmed.
	pageSize = 20
	// pageMargin is how many objects a first page has room for in addition to those that the cache shows.
	pageMargin = 3
)

// liveObjects bounds the objects in pages that all workers together hold before they are trimmed. An object of 1 MB takes a few
// times that.
var liveObjects = semaphore.NewWeighted(3 * pageSize)

// pagedReader lists from the API server page by page, and keeps of each object of an app only what decisions read.
type pagedReader struct {
	client.Reader
	app *todov1.TodoApp
	// cached is a snapshot of the app from the cache.
	cached *snapshot
}

// List implements client.Reader.
func (r pagedReader) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var all []runtime.Object
	size := r.firstPage(list)
	for next := ""; ; size = pageSize {
		page, _ := list.DeepCopyObject().(client.ObjectList)
		kept, err := r.readPage(ctx, page, size, append(slices.Clone(options), client.Continue(next)))
		if err != nil {
			return err
		}
		all = append(all, kept...)
		if next = page.GetContinue(); next == "" {
			return meta.SetList(list, all) //nolint:wrapcheck // the items are of the list's type
		}
	}
}

// firstPage returns how many objects the first page of a list may have. A list takes the API server up to 100 ms, because it waits
// until its own cache is up to date. So the page of an app with few objects leaves room for the pages of other workers.
func (r pagedReader) firstPage(list client.ObjectList) int64 {
	shown := pageSize
	switch list.(type) {
	case *corev1.PodList:
		shown = len(r.cached.pods)
	case *appsv1.ReplicaSetList:
		shown = len(r.cached.replicaSets)
	case *appsv1.DeploymentList:
		shown = len(r.cached.deployments)
	}
	return int64(min(shown+pageMargin, pageSize))
}

// readPage reads a page of at most the given size and returns its trimmed objects.
func (r pagedReader) readPage(
	ctx context.Context, page client.ObjectList, size int64, options []client.ListOption,
) ([]runtime.Object, error) {
	if err := liveObjects.Acquire(ctx, size); err != nil {
		return nil, fmt.Errorf("waiting to list: %w", err)
	}
	defer liveObjects.Release(size)
	if err := r.Reader.List(ctx, page, append(options, client.Limit(size))...); err != nil {
		return nil, err //nolint:wrapcheck // it is one reader in front of another
	}
	var kept []runtime.Object
	err := meta.EachListItem(page, func(item runtime.Object) error {
		kept = append(kept, r.keep(item))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading a page: %w", err)
	}
	return kept, nil
}

// keep trims an object. If it is still too large, only its identity remains, unless it has the name of one of the app's own.
func (r pagedReader) keep(item runtime.Object) runtime.Object {
	switch object := item.(type) {
	case *corev1.Pod, *appsv1.ReplicaSet:
		shrink(object.(client.Object))         //nolint:forcetypeassert // both are
		return bounded(object.(client.Object)) //nolint:forcetypeassert // both are
	case client.Object:
		if !slices.Contains(ownNames(r.app), object.GetName()) {
			return bounded(object)
		}
	}
	return item
}

// ownNames returns the names of the objects that the operator writes for an app, except Secrets.
func ownNames(app *todov1.TodoApp) []string {
	return []string{app.Name, desired.Frontend(app), desired.Backend(app), desired.Data(app)}
}
