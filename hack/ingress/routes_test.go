package main

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// TestAdmits compares admits with the specification of Gateway.
func TestAdmits(t *testing.T) {
	from := func(kind gatewayv1.FromNamespaces, selector map[string]string) *gatewayv1.AllowedRoutes {
		return &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &kind,
			Selector: &metav1.LabelSelector{MatchLabels: selector}}}
	}
	team := map[string]string{"team": "a"}
	with := func(host gatewayv1.Hostname, allowed *gatewayv1.AllowedRoutes) gatewayv1.Listener {
		listener := gatewayv1.Listener{Name: "web", AllowedRoutes: allowed}
		if host != "" {
			listener.Hostname = &host
		}
		return listener
	}
	all, teamA, teamB := from(gatewayv1.NamespacesFromAll, nil), from(gatewayv1.NamespacesFromSelector, team),
		from(gatewayv1.NamespacesFromSelector, map[string]string{"team": "b"})
	for name, c := range map[string]struct {
		listener  gatewayv1.Listener
		namespace string
		section   string
		want      gatewayv1.RouteConditionReason
	}{
		"a namespace of its own":     {with("", nil), "infra", "", gatewayv1.RouteReasonAccepted},
		"another namespace":          {with("", nil), "a", "", gatewayv1.RouteReasonNotAllowedByListeners},
		"all namespaces":             {with("", all), "a", "", gatewayv1.RouteReasonAccepted},
		"a label of the namespace":   {with("", teamA), "a", "", gatewayv1.RouteReasonAccepted},
		"a label of others":          {with("", teamB), "infra", "", gatewayv1.RouteReasonNotAllowedByListeners},
		"a listener":                 {with("", nil), "infra", "web", gatewayv1.RouteReasonAccepted},
		"a listener that is missing": {with("", nil), "infra", "https", gatewayv1.RouteReasonNoMatchingParent},
		"a wildcard":                 {with("*.example.com", nil), "infra", "", gatewayv1.RouteReasonAccepted},
		"another host":               {with("example.com", nil), "infra", "", gatewayv1.RouteReasonNoMatchingListenerHostname},
	} {
		gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "public"},
			Spec: gatewayv1.GatewaySpec{Listeners: []gatewayv1.Listener{c.listener}}}
		route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace},
			Spec: gatewayv1.HTTPRouteSpec{Hostnames: []gatewayv1.Hostname{"todo.example.com"}}}
		parent := gatewayv1.ParentReference{Name: "public"}
		if c.section != "" {
			parent.SectionName = ptr.To(gatewayv1.SectionName(c.section))
		}
		if got := admits(gateway, parent, route, team); got != c.want {
			t.Errorf("%s: %s, expected %s", name, got, c.want)
		}
	}
}

// TestTheStatusOfARouteHasTheAnswerOfEachGateway also expects that the answers of another controller stay.
func TestTheStatusOfARouteHasTheAnswerOfEachGateway(t *testing.T) {
	if err := gatewayv1.Install(clientgoscheme.Scheme); err != nil {
		t.Fatal(err)
	}
	route := accepted("todo.example.com", []gatewayv1.HTTPPathMatch{{}}, "web")
	route.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "public"}, {Name: "foreign"}, {Name: "missing"}}
	route.Status.Parents = []gatewayv1.RouteParentStatus{
		{ParentRef: gatewayv1.ParentReference{Name: "gone"}, ControllerName: controllerName},
		{ParentRef: gatewayv1.ParentReference{Name: "foreign"}, ControllerName: "example.com/gateway",
			Conditions: []metav1.Condition{{Type: "Accepted", Status: "True", Reason: "Accepted"}}},
	}
	gateway := func(name, class string) *gatewayv1.Gateway {
		return &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}, Spec: gatewayv1.GatewaySpec{
			GatewayClassName: gatewayv1.ObjectName(class), Listeners: []gatewayv1.Listener{{Name: "http"}}}}
	}
	class := func(name string, controller gatewayv1.GatewayController) *gatewayv1.GatewayClass {
		return &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: gatewayv1.GatewayClassSpec{ControllerName: controller}}
	}
	objects := fake.NewClientBuilder().WithStatusSubresource(&gatewayv1.HTTPRoute{}).WithObjects(
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, &route, gateway("public", "ours"), gateway("foreign", "theirs"),
		class("ours", controllerName), class("theirs", "example.com/gateway")).Build()
	answers := func() string {
		t.Helper()
		r := &routeReconciler{objects}
		if _, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&route)}); err != nil {
			t.Fatal(err)
		}
		if err := objects.Get(t.Context(), client.ObjectKeyFromObject(&route), &route); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, p := range route.Status.Parents {
			for _, c := range p.Conditions {
				lines = append(lines, fmt.Sprintf("%s %s=%s (%s)", p.ParentRef.Name, c.Type, c.Status, c.Reason))
			}
		}
		return strings.Join(lines, "\n")
	}
	want := "foreign Accepted=True (Accepted)\npublic Accepted=True (Accepted)\npublic ResolvedRefs=False (BackendNotFound)"
	if got := answers(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	web := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "web"}}
	if err := objects.Create(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	want = strings.Replace(want, "False (BackendNotFound)", "True (ResolvedRefs)", 1)
	if got := answers(); got != want {
		t.Errorf("with the Service, got\n%s\nwant\n%s", got, want)
	}
}
