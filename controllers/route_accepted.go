package controllers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// routeStatus holds what the controllers of Gateways say of an HTTPRoute.
type routeStatus struct {
	Status struct {
		Parents []struct {
			ParentRef  todov1.GatewayReference `json:"parentRef"`
			Conditions []metav1.Condition      `json:"conditions"`
		} `json:"parents"`
	} `json:"status"`
}

// routeAccepted reports whether every Gateway of an app serves its route. Its reason is empty if the app has no Gateway.
func routeAccepted(app *todov1.TodoApp, w *snapshot) assessment {
	if app.Spec.Gateway == nil {
		return assessment{}
	}
	if !w.routable {
		return fails(todov1.ReasonGatewayAPIMissing, "The cluster has no %s of %s: install the Gateway API. The operator finds it "+
			"within a minute.", desired.RouteKind, routeKind.GroupVersion())
	}
	var route routeStatus
	var generation int64
	for _, object := range w.others {
		live, ok := object.(*unstructured.Unstructured)
		if !ok || live.GetName() != app.Name {
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &route); err != nil {
			return fails(todov1.ReasonRouteRefused, "The status of HTTPRoute %s is unreadable: %v.", app.Name, err)
		}
		generation = live.GetGeneration()
	}
	for _, parent := range app.Spec.Gateway.ParentRefs {
		if a := route.accepted(parent, generation, app.Namespace); a.status != metav1.ConditionTrue {
			return a
		}
	}
	return holds(todov1.ReasonAccepted, "HTTPRoute %s is accepted.", app.Name)
}

// accepted returns the assessment of one Gateway.
func (s routeStatus) accepted(parent todov1.GatewayReference, generation int64, namespace string) assessment {
	for _, p := range s.Status.Parents {
		if p.ParentRef.Name != parent.Name || p.ParentRef.SectionName != parent.SectionName ||
			cmp.Or(p.ParentRef.Namespace, namespace) != cmp.Or(parent.Namespace, namespace) {
			continue
		}
		var refusals []string
		for _, c := range p.Conditions {
			if c.ObservedGeneration == generation && c.Status != metav1.ConditionTrue &&
				slices.Contains([]string{"Accepted", "ResolvedRefs"}, c.Type) {
				refusals = append(refusals, fmt.Sprintf("%s (%s)", c.Reason, c.Message))
			}
		}
		if len(refusals) > 0 {
			return fails(todov1.ReasonRouteRefused, "Gateway %s does not serve the route: %s.", parent.Name, strings.Join(refusals, ", "))
		}
		current := func(c metav1.Condition) bool { return c.Type == "Accepted" && c.ObservedGeneration == generation }
		if slices.ContainsFunc(p.Conditions, current) {
			return holds(todov1.ReasonAccepted, "")
		}
	}
	return fails(todov1.ReasonGatewayPending,
		"Gateway %s has not answered: check that it exists and that its controller runs.", parent.Name)
}

// pathOf returns the path of nested fields.
func pathOf(names ...string) fieldpath.Path {
	var path fieldpath.Path
	for i := range names {
		path = append(path, fieldpath.PathElement{FieldName: &names[i]})
	}
	return path
}
