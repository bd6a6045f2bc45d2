package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// controllerName is the controller in the GatewayClass of the Gateways that this program serves.
const controllerName gatewayv1.GatewayController = "todoapp.dev/ingress"

// routeReconciler writes into the status of each HTTPRoute whether its Gateways serve it. It writes no status of Gateways.
type routeReconciler struct{ client client.Client }

// watchRoutes adds the reconciler of HTTPRoutes to a manager. Any change of an object that may decide about a route enqueues all
// routes: a cluster with this program has few.
func watchRoutes(mgr manager.Manager) error {
	r := &routeReconciler{mgr.GetClient()}
	all := handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, _ client.Object) []reconcile.Request {
		var routes gatewayv1.HTTPRouteList
		if err := r.client.List(ctx, &routes); err != nil {
			return nil
		}
		requests := make([]reconcile.Request, len(routes.Items))
		for i := range routes.Items {
			requests[i].NamespacedName = client.ObjectKeyFromObject(&routes.Items[i])
		}
		return requests
	})
	err := ctrl.NewControllerManagedBy(mgr).For(&gatewayv1.HTTPRoute{}).Watches(&gatewayv1.Gateway{}, all).
		Watches(&gatewayv1.GatewayClass{}, all).Watches(&corev1.Service{}, all).Watches(&corev1.Namespace{}, all).Complete(r)
	if err != nil {
		return fmt.Errorf("watching HTTPRoutes: %w", err)
	}
	return nil
}

// Reconcile implements reconcile.Reconciler.
func (r *routeReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var route gatewayv1.HTTPRoute
	if err := r.client.Get(ctx, request.NamespacedName, &route); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	var namespace corev1.Namespace
	if err := r.client.Get(ctx, client.ObjectKey{Name: route.Namespace}, &namespace); err != nil {
		return reconcile.Result{}, fmt.Errorf("reading the namespace: %w", err)
	}
	missing, err := r.missingBackend(ctx, &route)
	if err != nil {
		return reconcile.Result{}, err
	}
	before := route.DeepCopy()
	var answers []answer
	for _, parent := range route.Spec.ParentRefs {
		gateway, err := r.gateway(ctx, &route, parent)
		if err != nil {
			return reconcile.Result{}, err
		}
		if gateway != nil {
			answers = append(answers, answer{parent, admits(gateway, parent, &route, namespace.Labels), missing})
		}
	}
	record(&route, answers)
	if equality.Semantic.DeepEqual(before.Status, route.Status) {
		return reconcile.Result{}, nil
	}
	if err := r.client.Status().Update(ctx, &route); err != nil {
		return reconcile.Result{}, fmt.Errorf("writing the status of the route: %w", err)
	}
	return reconcile.Result{}, nil
}

// gateway returns the Gateway that a route names, or nil if it does not exist or if another controller serves it.
func (r *routeReconciler) gateway(
	ctx context.Context, route *gatewayv1.HTTPRoute, parent gatewayv1.ParentReference,
) (*gatewayv1.Gateway, error) {
	key := client.ObjectKey{Namespace: route.Namespace, Name: string(parent.Name)}
	if parent.Namespace != nil {
		key.Namespace = string(*parent.Namespace)
	}
	var gateway gatewayv1.Gateway
	if err := r.client.Get(ctx, key, &gateway); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	var class gatewayv1.GatewayClass
	if err := r.client.Get(ctx, client.ObjectKey{Name: string(gateway.Spec.GatewayClassName)}, &class); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if class.Spec.ControllerName != controllerName {
		return nil, nil
	}
	return &gateway, nil
}

// missingBackend returns the name of a Service that a route names and that does not exist. It is empty if all exist.
func (r *routeReconciler) missingBackend(ctx context.Context, route *gatewayv1.HTTPRoute) (string, error) {
	for _, rule := range route.Spec.Rules {
		for _, to := range rule.BackendRefs {
			err := r.client.Get(ctx, client.ObjectKey{Namespace: route.Namespace, Name: string(to.Name)}, &corev1.Service{})
			if apierrors.IsNotFound(err) {
				return string(to.Name), nil
			}
			if err != nil {
				return "", fmt.Errorf("finding the Service: %w", err)
			}
		}
	}
	return "", nil
}
