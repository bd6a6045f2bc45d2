package desired

import (
	"maps"

	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// RouteKind is the kind of the object that a Gateway serves.
const RouteKind = "HTTPRoute"

// Route is an HTTPRoute of the Gateway API, which the cluster may lack. It has the fields that the operator sets.
type Route struct {
	metav1ac.TypeMetaApplyConfiguration    `json:",inline"`
	*metav1ac.ObjectMetaApplyConfiguration `json:"metadata,omitempty"`
	Spec                                   routeSpec `json:"spec"`
}

// IsApplyConfiguration implements runtime.ApplyConfiguration.
func (Route) IsApplyConfiguration() {}

type routeSpec struct {
	ParentRefs []todov1.GatewayReference `json:"parentRefs"`
	Hostnames  []string                  `json:"hostnames"`
	Rules      []routeRule               `json:"rules"`
}

type routeRule struct {
	Matches     []routeMatch   `json:"matches"`
	BackendRefs []routeBackend `json:"backendRefs"`
}

type routeMatch struct {
	Path routePath `json:"path"`
}

type routePath struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type routeBackend struct {
	Name string `json:"name"`
	Port int32  `json:"port"`
}

// route returns an HTTPRoute that serves both components under the same host names.
func route(app *todov1.TodoApp) *Route {
	spec := app.Spec.Gateway
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, Labels(app, todov1.ComponentIngress))
	r := &Route{Spec: routeSpec{ParentRefs: spec.ParentRefs, Hostnames: spec.Hostnames}}
	r.WithAPIVersion("gateway.networking.k8s.io/v1").WithKind(RouteKind)
	r.ObjectMetaApplyConfiguration = &metav1ac.ObjectMetaApplyConfiguration{Labels: labels, Annotations: spec.Annotations}
	r.WithName(app.Name).WithNamespace(app.Namespace).WithOwnerReferences(OwnerReference(app))
	for _, p := range prefixes(app, spec.FrontendPaths) {
		r.Spec.Rules = append(r.Spec.Rules, routeRule{
			Matches:     []routeMatch{{routePath{"PathPrefix", p.path}}},
			BackendRefs: []routeBackend{{p.to.name, p.to.port}},
		})
	}
	return r
}
