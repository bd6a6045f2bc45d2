package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// InShard limits the caches of a manager to the TodoApps that a selector of label todoapp.dev/shard selects, and to their objects,
// which carry the same label. Evidence about pods is read from the API server by the app's label alone, so a pod that lacks the
// label of the shard still delays a rotation.
func InShard(options *cache.Options, shard labels.Selector) {
	requirements, _ := shard.Requirements()
	for object, selected := range options.ByObject {
		if selected.Label == nil {
			selected.Label = labels.NewSelector()
		}
		selected.Label = selected.Label.Add(requirements...)
		options.ByObject[object] = selected
	}
}

// ours reports whether an app belongs to the manager's shard.
func (r *Reconciler) ours(app *todov1.TodoApp) bool {
	return r.Shard == nil || r.Shard.Matches(labels.Set(app.Labels))
}

// AllTodoApps returns a cache of the TodoApps of all shards, with the index that the webhook searches, and adds it to a manager. An
// app is reduced to its identity and the Secrets that it names.
func AllTodoApps(mgr manager.Manager, namespaces ...string) (client.Reader, error) {
	apps, err := newAppCache(mgr, namespaces)
	if err != nil {
		return nil, err
	}
	if err := IndexTodoApps(context.Background(), apps); err != nil {
		return nil, err
	}
	if _, err := apps.GetInformer(context.Background(), &todov1.TodoApp{}, cache.BlockUntilSynced(false)); err != nil {
		return nil, fmt.Errorf("watching the TodoApps of all shards: %w", err)
	}
	if err := mgr.Add(warm{apps}); err != nil {
		return nil, fmt.Errorf("adding the cache of the TodoApps of all shards: %w", err)
	}
	return apps, nil
}

func newAppCache(of cluster.Cluster, namespaces []string) (cache.Cache, error) {
	apps, err := cache.New(of.GetConfig(), cache.Options{
		Scheme: of.GetScheme(), Mapper: of.GetRESTMapper(), HTTPClient: of.GetHTTPClient(), DefaultNamespaces: only(namespaces),
		DefaultTransform: func(received any) (any, error) {
			if app, ok := received.(*todov1.TodoApp); ok {
				kept := onlyNames(app)
				kept.ResourceVersion = app.ResourceVersion
				return &kept, nil
			}
			return received, nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("making the cache of the TodoApps of all shards: %w", err)
	}
	return apps, nil
}
