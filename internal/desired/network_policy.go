package desired

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// Network configures the NetworkPolicies of apps. They restrict incoming traffic only, because databases may be anywhere.
type Network struct {
	// Policies makes the operator create NetworkPolicies.
	Policies bool
	// OperatorNamespace is the namespace of the operator, which asks backends for their key versions.
	OperatorNamespace string
	// Ingress selects the namespaces of ingress controllers. If it is nil, every pod may reach the ports for users.
	Ingress *metav1.LabelSelector
	// Metrics selects the namespaces that may read the backends' metrics. If it is nil, none may.
	Metrics *metav1.LabelSelector
}

// frontendPolicy returns a policy that lets users reach the frontend.
func frontendPolicy(app *todov1.TodoApp, n Network) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkPolicy(app, frontendComponent(app), n.users(app.Spec.Frontend.Port))
}

// backendPolicy returns a policy that lets users and the app's frontend reach the API, and the operator and monitoring reach the
// operations port.
func backendPolicy(app *todov1.TodoApp, n Network) *networkingv1ac.NetworkPolicyApplyConfiguration {
	users := n.users(app.Spec.Backend.Port)
	if n.Ingress != nil {
		users.WithFrom(frontends(app))
	}
	if !Embedded(app) {
		return networkPolicy(app, backendComponent(app), users)
	}
	operations := onPort(OperationsPort).WithFrom(namespaces(&metav1.LabelSelector{
		MatchLabels: map[string]string{corev1.LabelMetadataName: n.OperatorNamespace}}))
	if n.Metrics != nil {
		operations.WithFrom(namespaces(n.Metrics))
	}
	return networkPolicy(app, backendComponent(app), users, operations)
}

// frontends selects the pods that sign for the app. If the operator does not run the frontend, that is any pod of the namespace.
func frontends(app *todov1.TodoApp) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	pods := metav1ac.LabelSelector()
	if app.Spec.Frontend.Image != "" {
		pods.WithMatchLabels(map[string]string{
			todov1.LabelApp: app.Name, todov1.LabelComponent: todov1.ComponentFrontend})
	}
	return networkingv1ac.NetworkPolicyPeer().WithPodSelector(pods)
}

// users returns a rule that opens a port to users: to ingress controllers if their namespaces are known, or else to every pod.
func (n Network) users(port int32) *networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration {
	if n.Ingress == nil {
		return onPort(port)
	}
	return onPort(port).WithFrom(namespaces(n.Ingress))
}

func onPort(port int32) *networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration {
	return networkingv1ac.NetworkPolicyIngressRule().WithPorts(networkingv1ac.NetworkPolicyPort().
		WithProtocol(corev1.ProtocolTCP).WithPort(intstr.FromInt32(port)))
}

func namespaces(selector *metav1.LabelSelector) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	return networkingv1ac.NetworkPolicyPeer().
		WithNamespaceSelector(config[*metav1ac.LabelSelectorApplyConfiguration](selector))
}

func networkPolicy(app *todov1.TodoApp, of component, rules ...*networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration,
) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkingv1ac.NetworkPolicy(of.name, app.Namespace).
		WithLabels(Labels(app, of.label)).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(networkingv1ac.NetworkPolicySpec().
			WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(app, of.label))).
			WithPolicyTypes(networkingv1.PolicyTypeIngress).
			WithIngress(rules...))
}
