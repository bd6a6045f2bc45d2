package desired

import (
	"cmp"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// ingress returns an Ingress that serves both components under one host. Every path is a prefix, which all ingress controllers
// interpret alike. Longer paths come first, because some controllers use the first match.
func ingress(app *todov1.TodoApp) *networkingv1ac.IngressApplyConfiguration {
	spec := app.Spec.Ingress
	rule := networkingv1ac.IngressRule().WithHost(spec.Host).WithHTTP(networkingv1ac.HTTPIngressRuleValue().WithPaths(paths(app)...))
	rules := networkingv1ac.IngressSpec().WithRules(rule)
	if spec.ClassName != "" {
		rules.WithIngressClassName(spec.ClassName)
	}
	if spec.TLSSecretName != "" {
		rules.WithTLS(networkingv1ac.IngressTLS().WithHosts(spec.Host).WithSecretName(spec.TLSSecretName))
	}
	return networkingv1ac.Ingress(app.Name, app.Namespace).
		WithLabels(Labels(app, todov1.ComponentIngress)).
		WithAnnotations(spec.Annotations).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(rules)
}

// paths returns the routes of an Ingress to the components.
func paths(app *todov1.TodoApp) []*networkingv1ac.HTTPIngressPathApplyConfiguration {
	var list []*networkingv1ac.HTTPIngressPathApplyConfiguration
	for _, p := range prefixes(app, app.Spec.Ingress.FrontendPaths) {
		list = append(list, prefix(p.path, p.to))
	}
	return list
}

// routedPrefix is a path prefix and the component that serves it.
type routedPrefix struct {
	path string
	to   component
}

// prefixes returns the path prefixes of both components, longer ones first. The tasks are at /api/{user}/tasks, which no prefix can
// express, so the backend gets every path below /api that is not one of the frontend's.
func prefixes(app *todov1.TodoApp, ofFrontend []string) []routedPrefix {
	if app.Spec.Frontend.Image == "" {
		return []routedPrefix{{"/", backendComponent(app)}}
	}
	claimed := slices.SortedFunc(slices.Values(ofFrontend), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	var list []routedPrefix
	for _, path := range claimed {
		list = append(list, routedPrefix{path, frontendComponent(app)})
	}
	return append(list, routedPrefix{"/api", backendComponent(app)}, routedPrefix{"/", frontendComponent(app)})
}

func prefix(path string, to component) *networkingv1ac.HTTPIngressPathApplyConfiguration {
	return networkingv1ac.HTTPIngressPath().WithPath(path).WithPathType(networkingv1.PathTypePrefix).
		WithBackend(networkingv1ac.IngressBackend().WithService(networkingv1ac.IngressServiceBackend().
			WithName(to.name).WithPort(networkingv1ac.ServiceBackendPort().WithName("http"))))
}
