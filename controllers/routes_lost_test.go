package controllers

import (
	"context"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// TestALostGatewayAPIFailsNoApply applies a route with each answer of the API server. Only the answers that the kind is unknown
// mean that the Gateway API is lost.
func TestALostGatewayAPIFailsNoApply(t *testing.T) {
	resource := schema.GroupResource{Group: routeKind.Group, Resource: "httproutes"}
	answer := func(code int, unexpected bool) error {
		return apierrors.NewGenericServerResponse(code, "patch", resource, "todo", "", 0, unexpected)
	}
	for name, c := range map[string]struct {
		err  error
		lost bool
	}{
		"the path is unknown":        {answer(http.StatusNotFound, true), true},
		"the kind is unknown":        {&meta.NoKindMatchError{GroupKind: routeKind.GroupKind()}, true},
		"the namespace is missing":   {answer(http.StatusNotFound, false), false},
		"a right is missing":         {answer(http.StatusForbidden, true), false},
		"the API server is starting": {answer(http.StatusServiceUnavailable, true), false},
		"the route is written":       {nil, false},
	} {
		failing := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{Apply: func(
			context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption,
		) error {
			return c.err
		}}).Build()
		r := &Reconciler{Client: failing, routes: &routes{lost: make(chan struct{}, 1)}}
		r.routes.known.Store(true)
		route := newRoute()
		route.SetName("todo")
		stored := &corev1.Secret{}
		p := &plan{observed: &snapshot{routable: true, keyring: stored}, keyring: stored, changed: []*change{{object: route}}}
		err := r.apply(t.Context(), p)
		if failed := c.err != nil && !c.lost; (err != nil) != failed || p.observed.routable == c.lost || (len(p.changed) == 0) != c.lost {
			t.Errorf("%s: apply returns %v, routable %t, changed %d", name, err, p.observed.routable, len(p.changed))
		}
		if r.routes.known.Load() == c.lost || (len(r.routes.lost) == 1) != c.lost {
			t.Errorf("%s: the Gateway API is known: %t, a loss is to be handled: %d", name, r.routes.known.Load(), len(r.routes.lost))
		}
	}
}
