package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
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

// routes holds the HTTPRoutes of apps. The cluster may lack the Gateway API, and get or lose it while the operator runs.
type routes struct {
	cluster cluster.Cluster
	cache   cache.Cache
	api     discovery.ServerResourcesInterface
	// known says that the cluster has the Gateway API and that the cache holds its HTTPRoutes.
	known atomic.Bool
	// lost receives a value after known has become false.
	lost chan struct{}
}

// newRoutes returns a cache of labelled HTTPRoutes. It reads nothing until the Gateway API is found.
func newRoutes(cluster cluster.Cluster, namespaces []string) (*routes, error) {
	belongs, err := labels.NewRequirement(todov1.LabelApp, selection.Exists, nil)
	if err != nil {
		return nil, fmt.Errorf("selecting the routes of apps: %w", err)
	}
	api, err := discovery.NewDiscoveryClientForConfigAndClient(cluster.GetConfig(), cluster.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making a client to find the Gateway API: %w", err)
	}
	w := &routes{cluster: cluster, api: api, lost: make(chan struct{}, 1)}
	w.cache, err = cache.New(cluster.GetConfig(), cache.Options{
		Scheme: cluster.GetScheme(), Mapper: cluster.GetRESTMapper(), HTTPClient: cluster.GetHTTPClient(),
		DefaultLabelSelector: labels.NewSelector().Add(*belongs), DefaultNamespaces: only(namespaces),
		ReaderFailOnMissingInformer: true,
		DefaultWatchErrorHandler: func(ctx context.Context, reflector *toolscache.Reflector, err error) {
			toolscache.DefaultWatchErrorHandler(ctx, reflector, err)
			w.noteLoss(err)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("making the cache of routes: %w", err)
	}
	return w, nil
}

// watch searches for the Gateway API, and then enqueues the app of each HTTPRoute that changes. If the cluster loses the API, watch
// enqueues the apps that need it, and searches again.
func (w *routes) watch(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	go func() {
		for wait.PollUntilContextCancel(ctx, routePoll, true, func(ctx context.Context) (bool, error) {
			return w.find(ctx, queue), nil
		}) == nil {
			log.FromContext(ctx).Info("found the Gateway API")
			select {
			case <-ctx.Done():
				return
			case <-w.lost:
			}
			log.FromContext(ctx).Info("lost the Gateway API")
			_ = w.cache.RemoveInformer(ctx, newRoute()) // only a kind that is not in the mapper fails, and it has no informer
			w.enqueueApps(ctx, queue)
		}
	}()
	return nil
}

// noteLoss remembers and reports whether an error of a request for HTTPRoutes says that the API server does not have them.
func (w *routes) noteLoss(err error) bool {
	noPath := apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
	lost := noPath || meta.IsNoMatchError(err)
	if lost && w.known.CompareAndSwap(true, false) {
		select {
		case w.lost <- struct{}{}:
		default: // watch has yet to handle an earlier loss
		}
	}
	return lost
}

// installed reports whether the API server has HTTPRoutes now. It asks the API server: a mapper remembers kinds that are gone.
func (w *routes) installed() bool {
	kinds, err := w.api.ServerResourcesForGroupVersion(routeKind.GroupVersion().String())
	return err == nil && slices.ContainsFunc(kinds.APIResources, func(r metav1.APIResource) bool { return r.Kind == routeKind.Kind })
}

// find reports whether the cluster has the Gateway API. If so, it fills the cache and enqueues the apps that wait for the API.
func (w *routes) find(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) bool {
	if !w.installed() {
		return false
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
	return err == nil && w.enqueueApps(ctx, queue)
}

// enqueueApps enqueues the apps with a Gateway, and reports whether they could be listed.
func (w *routes) enqueueApps(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) bool {
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
	if _, removed := errors.AsType[*cache.ErrResourceNotCached](err); removed {
		w.routable = false
		return nil
	}
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
func (r *Reconciler) desiredObjects(app *todov1.TodoApp, p *plan) []desired.Object {
	objects := desired.Objects(app, p.keys, r.Images, r.Network)
	return slices.DeleteFunc(objects, func(object desired.Object) bool {
		_, route := object.(*desired.Route)
		return route && !p.observed.routable
	})
}

// lostRoute reports whether a change of a route failed because the cluster has lost the Gateway API. If so, it takes the change out
// of the plan, so that RouteAccepted tells of the loss.
func (r *Reconciler) lostRoute(p *plan, c *change, err error) bool {
	route := func(c *change) bool { return c.object.GroupVersionKind() == routeKind }
	if !route(c) || !r.routes.noteLoss(err) {
		return false
	}
	p.observed.routable = false
	p.changed = slices.DeleteFunc(slices.Clone(p.changed), route)
	return true
}
