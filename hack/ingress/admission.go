package main

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// answer tells whether one Gateway serves a route.
type answer struct {
	parent gatewayv1.ParentReference
	// reason is Accepted, or why no listener of the Gateway takes the route.
	reason gatewayv1.RouteConditionReason
	// missing is the name of a Service that does not exist; empty if all exist.
	missing string
}

// admits returns Accepted if a listener of a Gateway takes a route, and otherwise the reason of the specification.
func admits(
	gateway *gatewayv1.Gateway, parent gatewayv1.ParentReference, route *gatewayv1.HTTPRoute, namespace labels.Set,
) gatewayv1.RouteConditionReason {
	reason := gatewayv1.RouteReasonNoMatchingParent
	for _, listener := range gateway.Spec.Listeners {
		if parent.SectionName != nil && *parent.SectionName != listener.Name {
			continue
		}
		if !allowsNamespace(listener, gateway.Namespace, route.Namespace, namespace) {
			reason = gatewayv1.RouteReasonNotAllowedByListeners
			continue
		}
		if servesHost(listener, route.Spec.Hostnames) {
			return gatewayv1.RouteReasonAccepted
		}
		reason = gatewayv1.RouteReasonNoMatchingListenerHostname
	}
	return reason
}

// allowsNamespace reports whether a listener takes routes of a namespace. By default it takes those of its own.
func allowsNamespace(listener gatewayv1.Listener, own, name string, set labels.Set) bool {
	allowed := &gatewayv1.RouteNamespaces{}
	if listener.AllowedRoutes != nil && listener.AllowedRoutes.Namespaces != nil {
		allowed = listener.AllowedRoutes.Namespaces
	}
	switch ptr.Deref(allowed.From, gatewayv1.NamespacesFromSame) {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSame:
		return own == name
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(allowed.Selector)
		return err == nil && selector.Matches(set)
	default:
		return false
	}
}

// servesHost reports whether a listener serves one of a route's host names. The hosts of a route of a TodoApp have no asterisk.
func servesHost(listener gatewayv1.Listener, hosts []gatewayv1.Hostname) bool {
	r := rule{host: string(ptr.Deref(listener.Hostname, "")), anyDepth: true}
	return len(hosts) == 0 || slices.ContainsFunc(hosts, func(host gatewayv1.Hostname) bool { return r.matchesHost(string(host)) })
}

// record writes the answers of this program's Gateways into the status of a route. It leaves those of other controllers.
func record(route *gatewayv1.HTTPRoute, answers []answer) {
	before := route.Status.Parents
	others := func(p gatewayv1.RouteParentStatus) bool { return p.ControllerName != controllerName }
	parents := []gatewayv1.RouteParentStatus{} // the schema has no null here
	for _, p := range before {
		if others(p) {
			parents = append(parents, p)
		}
	}
	for _, a := range answers {
		status := gatewayv1.RouteParentStatus{ParentRef: a.parent, ControllerName: controllerName}
		for _, p := range before {
			if !others(p) && equality.Semantic.DeepEqual(p.ParentRef, a.parent) {
				status.Conditions = slices.Clone(p.Conditions)
			}
		}
		for _, c := range a.conditions() {
			c.ObservedGeneration = route.Generation
			meta.SetStatusCondition(&status.Conditions, c)
		}
		parents = append(parents, status)
	}
	route.Status.Parents = parents
}

// conditions returns the conditions that tell an answer.
func (a answer) conditions() []metav1.Condition {
	accepted := metav1.Condition{Type: string(gatewayv1.RouteConditionAccepted), Status: metav1.ConditionTrue,
		Reason: string(a.reason)}
	if a.reason != gatewayv1.RouteReasonAccepted {
		accepted.Status = metav1.ConditionFalse
		accepted.Message = fmt.Sprintf("no listener of Gateway %s takes the route", a.parent.Name)
	}
	resolved := metav1.Condition{Type: string(gatewayv1.RouteConditionResolvedRefs), Status: metav1.ConditionTrue,
		Reason: string(gatewayv1.RouteReasonResolvedRefs)}
	if a.missing != "" {
		resolved.Status, resolved.Reason = metav1.ConditionFalse, string(gatewayv1.RouteReasonBackendNotFound)
		resolved.Message = fmt.Sprintf("Service %s does not exist", a.missing)
	}
	return []metav1.Condition{accepted, resolved}
}
