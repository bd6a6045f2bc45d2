package main

import (
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ingressRules returns the rules of Ingresses. It treats the path type ImplementationSpecific as a prefix.
func ingressRules(ingresses []networkingv1.Ingress) []rule {
	var rules []rule
	for _, ingress := range ingresses {
		for _, r := range ingress.Spec.Rules {
			if r.HTTP == nil {
				continue
			}
			for _, p := range r.HTTP.Paths {
				if to := p.Backend.Service; to != nil {
					rules = append(rules, rule{host: r.Host, path: p.Path, exact: ptr.Deref(p.PathType, "") == networkingv1.PathTypeExact,
						backend: backend{ingress.Namespace, to.Name, to.Port.Name, to.Port.Number}})
				}
			}
		}
	}
	return rules
}

// routeRules returns the rules of the HTTPRoutes that this controller has accepted. Rules with other matches than a path and with
// filters are left out, and each rule uses its first backend: TodoApps need no more.
func routeRules(routes []gatewayv1.HTTPRoute) []rule {
	var rules []rule
	for _, route := range routes {
		if !served(&route) {
			continue
		}
		hosts := route.Spec.Hostnames
		if len(hosts) == 0 {
			hosts = []gatewayv1.Hostname{""}
		}
		for _, r := range route.Spec.Rules {
			if len(r.BackendRefs) == 0 || len(r.Filters) > 0 {
				continue
			}
			to := r.BackendRefs[0]
			for _, m := range r.Matches {
				kind := ptr.Deref(m.Path.Type, gatewayv1.PathMatchPathPrefix)
				if len(m.Headers)+len(m.QueryParams) > 0 || m.Method != nil || kind == gatewayv1.PathMatchRegularExpression {
					continue
				}
				for _, host := range hosts {
					rules = append(rules, rule{host: string(host), anyDepth: true, path: ptr.Deref(m.Path.Value, "/"),
						exact:   kind == gatewayv1.PathMatchExact,
						backend: backend{route.Namespace, string(to.Name), "", ptr.Deref(to.Port, 0)}})
				}
			}
		}
	}
	return rules
}

// served reports whether a Gateway of this controller has accepted the present spec of a route.
func served(route *gatewayv1.HTTPRoute) bool {
	for _, parent := range route.Status.Parents {
		accepted := meta.FindStatusCondition(parent.Conditions, string(gatewayv1.RouteConditionAccepted))
		if parent.ControllerName == controllerName && accepted != nil && accepted.Status == "True" &&
			accepted.ObservedGeneration == route.Generation {
			return true
		}
	}
	return false
}
