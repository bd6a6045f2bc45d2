package controllers

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// parentStatus returns the status that the controller of a Gateway writes for one parent, with its conditions. Each condition is
// "type status generation".
func parentStatus(name, section string, conditions ...string) any {
	ref := map[string]any{"name": name}
	if section != "" {
		ref["sectionName"] = section
	}
	var list []any
	for _, c := range conditions {
		var kind, status string
		var generation int64
		_, _ = fmt.Sscan(c, &kind, &status, &generation)
		list = append(list, map[string]any{"type": kind, "status": status, "reason": kind + status, "message": "told",
			"observedGeneration": generation})
	}
	return map[string]any{"parentRef": ref, "controllerName": "example.com/gateway", "conditions": list}
}

// TestRouteAcceptedSumsUpTheGateways covers the answers of Gateways to a route of generation 2.
func TestRouteAcceptedSumsUpTheGateways(t *testing.T) {
	accepted := parentStatus("public", "https", "Accepted True 2", "ResolvedRefs True 2")
	inner := parentStatus("inner", "", "Accepted True 2")
	of := func(parents ...any) []any { return parents }
	public := func(section string, conditions ...string) any { return parentStatus("public", section, conditions...) }
	for name, c := range map[string]struct {
		parents []any
		reason  string
		tells   string
	}{
		"all accept it":            {of(accepted, inner), todov1.ReasonAccepted, "HTTPRoute todo is accepted"},
		"there is no answer":       {nil, todov1.ReasonGatewayPending, "Gateway public"},
		"only the second answers":  {of(inner), todov1.ReasonGatewayPending, "Gateway public"},
		"only the first answers":   {of(accepted), todov1.ReasonGatewayPending, "Gateway inner"},
		"another listener answers": {of(public("http", "Accepted True 2"), inner), todov1.ReasonGatewayPending, "Gateway public"},
		"the answer is old":        {of(public("https", "Accepted True 1"), inner), todov1.ReasonGatewayPending, "Gateway public"},
		"the refusal is old":       {of(public("https", "Accepted False 1"), inner), todov1.ReasonGatewayPending, "Gateway public"},
		"the first refuses it":     {of(public("https", "Accepted False 2"), inner), todov1.ReasonRouteRefused, "AcceptedFalse (told)"},
		"the second refuses it": {of(accepted, parentStatus("inner", "", "Accepted False 2")), todov1.ReasonRouteRefused,
			"Gateway inner"},
		"a Service is not found": {of(public("https", "Accepted True 2", "ResolvedRefs False 2"), inner), todov1.ReasonRouteRefused,
			"ResolvedRefsFalse (told)"},
		"a vendor's condition is false": {of(public("https", "Accepted True 2", "Cached False 2"), inner), todov1.ReasonAccepted,
			"accepted"},
	} {
		app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "todo"}}
		app.Spec.Gateway = &todov1.GatewaySpec{ParentRefs: []todov1.GatewayReference{
			{Name: "public", SectionName: "https"}, {Name: "inner", Namespace: "shop"}}}
		route := newRoute()
		route.SetName("todo")
		route.SetGeneration(2)
		route.Object["status"] = map[string]any{"parents": c.parents}
		other := newRoute() // a route of the app that is no longer desired
		other.SetName("before")
		got := routeAccepted(app, &snapshot{routable: true, others: appendAll(nil, []unstructured.Unstructured{*route, *other})})
		holds := got.status == metav1.ConditionTrue
		if got.reason != c.reason || !strings.Contains(got.message, c.tells) || holds != (c.reason == todov1.ReasonAccepted) {
			t.Errorf("%s: %s %s %q, want %s", name, got.status, got.reason, got.message, c.reason)
		}
	}
}
