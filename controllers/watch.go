package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// CacheOptions returns the options of a cache of TodoApps and labelled objects, in the given namespaces or, if none is given, in
// all.
func CacheOptions(namespaces ...string) (cache.Options, error) {
	belongs, err := labels.NewRequirement(todov1.LabelApp, selection.Exists, nil)
	if err != nil {
		return cache.Options{}, fmt.Errorf("selecting what belongs to an app: %w", err)
	}
	selected := cache.ByObject{Label: labels.NewSelector().Add(*belongs)}
	options := cache.Options{ByObject: map[client.Object]cache.ByObject{}, DefaultNamespaces: only(namespaces)}
	for _, object := range watched() {
		selected.Transform = trim(object)
		options.ByObject[object] = selected
	}
	options.ByObject[&todov1.TodoApp{}] = cache.ByObject{Transform: trimApp}
	return options, nil
}

// only returns the cache configuration for some namespaces. It is nil for all.
func only(namespaces []string) map[string]cache.Config {
	if len(namespaces) == 0 {
		return nil
	}
	configs := make(map[string]cache.Config, len(namespaces))
	for _, namespace := range namespaces {
		configs[namespace] = cache.Config{}
	}
	return configs
}

// labelled enqueues the app that an object belongs to.
func labelled() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{
			Namespace: object.GetNamespace(), Name: object.GetLabels()[todov1.LabelApp],
		}}}
	})
}

// sourceCache returns a cache of the identities of all Secrets without the label of an app, and of all ConfigMaps. It tells when
// one changes. The operator reads an object that it did not make from the API server, and only if an app refers to it.
func (r *Reconciler) sourceCache(cluster cluster.Cluster) (cache.Cache, error) {
	unlabelled, err := labels.NewRequirement(todov1.LabelApp, selection.DoesNotExist, nil)
	if err != nil {
		return nil, fmt.Errorf("selecting what belongs to no app: %w", err)
	}
	options := cache.Options{
		Scheme: cluster.GetScheme(), Mapper: cluster.GetRESTMapper(), HTTPClient: cluster.GetHTTPClient(),
		DefaultTransform: bare, DefaultNamespaces: only(r.Namespaces),
		ByObject: map[client.Object]cache.ByObject{
			identities(todov1.KindSecret): {Label: labels.NewSelector().Add(*unlabelled)},
		},
	}
	if r.WatchHealth != nil {
		r.WatchHealth.Attach(&options)
	}
	sources, err := cache.New(cluster.GetConfig(), options)
	if err != nil {
		return nil, fmt.Errorf("making the cache of sources: %w", err)
	}
	return sources, nil
}

// warm starts a cache also in a replica that does not lead.
type warm struct{ cache.Cache }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (warm) NeedLeaderElection() bool { return false }

// bare keeps the identity and the resource version of an object.
func bare(object any) (any, error) {
	if o, ok := object.(metav1.Object); ok {
		o.SetManagedFields(nil)
		o.SetAnnotations(nil)
		o.SetLabels(nil)
		o.SetFinalizers(nil)
		o.SetOwnerReferences(nil)
	}
	return object, nil
}

// referred enqueues the apps that refer to a Secret or ConfigMap when it changes.
func (r *Reconciler) referred(sources cache.Cache, kind string) source.Source {
	find := func(ctx context.Context, object *metav1.PartialObjectMetadata) []reconcile.Request {
		if kind == todov1.KindSecret {
			return r.concerned(ctx, object)
		}
		return r.reading(ctx, object.GetNamespace(), kind+"/"+object.GetName())
	}
	return source.Kind(sources, identities(kind), handler.TypedEnqueueRequestsFromMapFunc(find))
}

// identities returns an object of a kind without content, by which a cache holds identities alone.
func identities(kind string) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return object
}

// reading returns the apps whose pods read an object, such as Secret/db, when they start.
func (r *Reconciler) reading(ctx context.Context, namespace, object string) []reconcile.Request {
	var apps todov1.TodoAppList
	err := r.Client.List(ctx, &apps, client.InNamespace(namespace),
		client.MatchingFields{desired.IndexSources: object}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil // only when the cache is stopping
	}
	var requests []reconcile.Request
	for i := range apps.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&apps.Items[i])})
	}
	return requests
}

// concerned returns the apps that refer to a Secret or, for an app, to a Secret of that app: an app that is blocked by another
// can proceed when the other releases the Secret. Every cache that a decision reads calls it, because each of them may lag.
func (r *Reconciler) concerned(ctx context.Context, object client.Object) []reconcile.Request {
	names, requests := []string{object.GetName()}, []reconcile.Request(nil)
	if app, ok := object.(*todov1.TodoApp); ok {
		names = desired.Secrets(app)
	} else {
		requests = r.reading(ctx, object.GetNamespace(), todov1.KindSecret+"/"+object.GetName()) // the queue holds each app once
	}
	apps, err := r.naming(ctx, object.GetNamespace(), names)
	if err != nil {
		return nil // only when the cache is stopping
	}
	for i := range apps {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&apps[i])})
	}
	return requests
}
