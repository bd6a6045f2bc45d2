package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// routeKind is the kind of the Gateway API that the operator writes.
var routeKind = schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: desired.RouteKind}

// routePoll is how often the operator searches for the Gateway API in a cluster without it.
const routePoll = 20 * time.Second

// routes holds the HTTPRoutes of apps. The cluster may lack the Gateway API, or get it while the operator runs.
type routes struct {
	cluster cluster.Cluster
	cache   cache.Cache
	// known says that the cluster has the Gateway API and that the cache holds its HTTPRoutes.
	known atomic.Bool
}

// newRoutes returns a cache of labelled HTTPRoutes. It reads nothing until the Gateway API is found.
func newRoutes(cluster cluster.Cluster, namespaces []string) (*routes, error) {
	belongs, err := labels.NewRequirement(todov1.LabelApp, selection.Exists, nil)
	if err != nil {
		return nil, fmt.Errorf("selecting the routes of apps: %w", err)
	}
	objects, err := cache.New(cluster.GetConfig(), cache.Options{
		Scheme: cluster.GetScheme(), Mapper: cluster.GetRESTMapper(), HTTPClient: cluster.GetHTTPClient(),
		DefaultLabelSelector: labels.NewSelector().Add(*belongs), DefaultNamespaces: only(namespaces),
	})
	if err != nil {
		return nil, fmt.Errorf("making the cache of routes: %w", err)
	}
	return &routes{cluster: cluster, cache: objects}, nil
}

// watch searches for the Gateway API, and then enqueues the app of each HTTPRoute that changes.
func (w *routes) watch(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	go func() {
		err := wait.PollUntilContextCancel(ctx, routePoll, true, func(ctx context.Context) (bool, error) {
			return w.find(ctx, queue), nil
		})
		if err == nil {
			log.FromContext(ctx).Info("found the Gateway API")
		}
	}()
	return nil
}

// find reports whether the cluster has the Gateway API. If so, it fills the cache and enqueues the apps that wait for the API.
func (w *routes) find(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) bool {
	if _, err := w.cluster.GetRESTMapper().RESTMapping(routeKind.GroupKind(), routeKind.Version); err != nil {
		return false // it is not installed, or the API server does not answer
	}
	informer, err := w.cache.GetInformer(ctx, newRoute(), cache.BlockUntilSynced(true))
	if err != nil {
		return false
	}
	enqueue := func(object any) {
		if route, ok := object.(client.Object); ok {
			queue.Add(reconcile.Request{NamespacedName: types.NamespacedName{
				Namespace: route.GetNamespace(), Name: route.GetLabels()[todov1.LabelApp]}})
		}
	}
	w.known.Store(true)
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: enqueue, UpdateFunc: func(_, object any) { enqueue(object) }, DeleteFunc: enqueue})
	if err != nil {
		return false
	}
	var apps todov1.TodoAppList
	if err := w.cluster.GetClient().List(ctx, &apps, client.UnsafeDisableDeepCopy); err != nil {
		return false
	}
	for i := range apps.Items {
		if apps.Items[i].Spec.Gateway != nil {
			queue.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&apps.Items[i])})
		}
	}
	return true
}

func newRoute() *unstructured.Unstructured {
	route := &unstructured.Unstructured{}
	route.SetGroupVersionKind(routeKind)
	return route
}

// observeRoutes adds the HTTPRoutes of an app to its snapshot.
func (r *Reconciler) observeRoutes(ctx context.Context, w *snapshot, app *todov1.TodoApp) error {
	if w.routable = r.routes.known.Load(); !w.routable {
		return nil
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(routeKind.GroupVersion().WithKind(desired.RouteKind + "List"))
	err := r.routes.cache.List(ctx, list, client.InNamespace(app.Namespace), client.MatchingLabels{todov1.LabelApp: app.Name})
	if err != nil {
		return fmt.Errorf("listing the routes of the app: %w", err)
	}
	w.others = appendAll(w.others, list.Items)
	return nil
}

// upToDateRoute is upToDate for an HTTPRoute, whose schema the operator does not have: a value may have more fields, which are
// defaults, and no label or annotation that the operator owns may be left over.
func upToDateRoute(live, want *unstructured.Unstructured) (bool, error) {
	owned, err := appliedFields(live)
	if err != nil || owned == nil {
		return false, err
	}
	wanted := want.DeepCopy()
	wanted.SetResourceVersion("")
	owners := wanted.GetOwnerReferences()
	wanted.SetOwnerReferences(nil)
	owns := slices.ContainsFunc(live.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
		return len(owners) == 1 && ref.UID == owners[0].UID
	})
	for name, have := range map[string]map[string]string{"labels": live.GetLabels(), "annotations": live.GetAnnotations()} {
		for key := range have {
			_, keep, _ := unstructured.NestedFieldNoCopy(want.Object, "metadata", name, key)
			if ours := owned.Has(pathOf("metadata", name, key)); ours != keep {
				return false, nil
			}
		}
	}
	return owns && within(wanted.Object, live.Object), nil
}

// desiredObjects returns the desired objects of an app. Without the Gateway API there is no route, and RouteAccepted tells so.
func (r *Reconciler) desiredObjects(app *todov1.TodoApp, p *plan) []runtime.ApplyConfiguration {
	objects := desired.Objects(app, p.keys, r.Images, r.Network)
	return slices.DeleteFunc(objects, func(object runtime.ApplyConfiguration) bool {
		_, route := object.(*desired.Route)
		return route && !p.observed.routable
	})
}
