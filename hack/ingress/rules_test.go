package main

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// rules returns an Ingress with paths for a host.
func rules(namespace, host string, paths ...networkingv1.HTTPIngressPath) networkingv1.Ingress {
	return networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "rules"},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: paths},
		}}}},
	}
}

func path(kind networkingv1.PathType, path, service string) networkingv1.HTTPIngressPath {
	return networkingv1.HTTPIngressPath{Path: path, PathType: &kind, Backend: networkingv1.IngressBackend{
		Service: &networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Name: "http"}}}}
}

// TestChoose compares choose with the specification of Ingress.
func TestChoose(t *testing.T) {
	const prefix, exact = networkingv1.PathTypePrefix, networkingv1.PathTypeExact
	ingresses := []networkingv1.Ingress{
		rules("a", "todo.example.com", path(prefix, "/", "web"), path(prefix, "/api", "api"), path(prefix, "/api/auth/", "auth")),
		rules("a", "todo.example.com", path(exact, "/api/auth", "exact")),
		rules("b", "*.example.com", path(prefix, "/", "wild"), path(prefix, "/api/auth/deep/er", "wilder")),
		rules("c", "only.example.org", path(prefix, "/api", "api")),
	}
	for _, c := range []struct{ host, path, want string }{
		{"todo.example.com", "/", "a/web"},
		{"TODO.example.com", "/tasks", "a/web"},
		{"todo.example.com", "/apix", "a/web"},
		{"todo.example.com", "/api", "a/api"},
		{"todo.example.com", "/api/alice/tasks", "a/api"},
		{"todo.example.com", "/api/authority", "a/api"},
		{"todo.example.com", "/api/auth", "a/exact"},
		{"todo.example.com", "/api/auth/", "a/auth"},
		{"todo.example.com", "/api/auth/deep/er", "a/auth"},
		{"other.example.com", "/api", "b/wild"},
		{"two.labels.example.com", "/", "none"},
		{"example.com", "/", "none"},
		{"only.example.org", "/", "none"},
	} {
		got := "none"
		if r, found := choose(ingressRules(ingresses), c.host, c.path); found {
			got = r.backend.namespace + "/" + r.backend.service
		}
		if got != c.want {
			t.Errorf("%s%s goes to %s, expected %s", c.host, c.path, got, c.want)
		}
	}
}

// accepted returns an HTTPRoute with a rule for each path that a Gateway of this program has accepted. Each path goes to the
// Service of the same place in services.
func accepted(host gatewayv1.Hostname, paths []gatewayv1.HTTPPathMatch, services ...string) gatewayv1.HTTPRoute {
	route := gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "todo", Generation: 2},
		Spec: gatewayv1.HTTPRouteSpec{Hostnames: []gatewayv1.Hostname{host}}}
	for i, p := range paths {
		to := gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(services[i]), Port: ptr.To[gatewayv1.PortNumber](80)}
		route.Spec.Rules = append(route.Spec.Rules, gatewayv1.HTTPRouteRule{Matches: []gatewayv1.HTTPRouteMatch{{Path: &p}},
			BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: to}}}})
	}
	record(&route, []answer{{gatewayv1.ParentReference{Name: "public"}, gatewayv1.RouteReasonAccepted, ""}})
	return route
}

// TestChooseFromRoutes compares choose with the specification of HTTPRoute.
func TestChooseFromRoutes(t *testing.T) {
	match := func(kind gatewayv1.PathMatchType, value string) gatewayv1.HTTPPathMatch {
		return gatewayv1.HTTPPathMatch{Type: &kind, Value: &value}
	}
	const prefix, exact = gatewayv1.PathMatchPathPrefix, gatewayv1.PathMatchExact
	app := accepted("todo.example.com", []gatewayv1.HTTPPathMatch{
		match(prefix, "/api/auth"), match(prefix, "/api"), match(prefix, "/"), match(exact, "/api/auth/exact"),
	}, "auth", "api", "web", "exact")
	wild := accepted("*.example.com", []gatewayv1.HTTPPathMatch{match(prefix, "/")}, "wild")
	refused := accepted("refused.example.org", []gatewayv1.HTTPPathMatch{match(prefix, "/")}, "refused")
	record(&refused, []answer{{gatewayv1.ParentReference{Name: "public"}, gatewayv1.RouteReasonNotAllowedByListeners, ""}})
	changed := accepted("changed.example.org", []gatewayv1.HTTPPathMatch{match(prefix, "/")}, "changed")
	changed.Generation++
	for _, c := range []struct{ host, path, want string }{
		{"todo.example.com", "/", "web"},
		{"todo.example.com", "/apix", "web"},
		{"todo.example.com", "/api/alice/tasks", "api"},
		{"todo.example.com", "/api/auth/session", "auth"},
		{"todo.example.com", "/api/auth/exact", "exact"},
		{"other.example.com", "/api", "wild"},
		{"two.labels.example.com", "/", "wild"},
		{"example.com", "/", "none"},
		{".example.com", "/", "none"},
		{"refused.example.org", "/", "none"},
		{"changed.example.org", "/", "none"},
	} {
		got := "none"
		if r, found := choose(routeRules([]gatewayv1.HTTPRoute{app, wild, refused, changed}), c.host, c.path); found {
			got = r.backend.service
		}
		if got != c.want {
			t.Errorf("%s%s goes to %s, expected %s", c.host, c.path, got, c.want)
		}
	}
}
