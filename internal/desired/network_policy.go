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

// Network is who may reach the pods of apps. What the pods themselves reach is not limited: their databases may be
// anywhere.
type Network struct {
	// Policies says whether the operator makes NetworkPolicies.
	Policies bool
	// OperatorNamespace is where the operator runs, which asks backends for their keys.
	OperatorNamespace string
	// Ingress selects the namespaces of ingress controllers; nil lets everyone reach what serves users.
	Ingress *metav1.LabelSelector
	// Metrics selects the namespaces that may read the backends' metrics; nil none.
	Metrics *metav1.LabelSelector
}

// frontendPolicy lets users reach the frontend.
func frontendPolicy(app *todov1.TodoApp, n Network) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkPolicy(app, frontendSide(app), n.users(app.Spec.Frontend.Port))
}

// backendPolicy lets users and the app's frontend reach the API, and the operator and monitoring its operations port.
func backendPolicy(app *todov1.TodoApp, n Network) *networkingv1ac.NetworkPolicyApplyConfiguration {
	users := n.users(app.Spec.Backend.Port)
	if n.Ingress != nil {
		users.WithFrom(frontends(app))
	}
	if !Embedded(app) {
		return networkPolicy(app, backendSide(app), users)
	}
	operations := onPort(OperationsPort).WithFrom(namespaces(&metav1.LabelSelector{
		MatchLabels: map[string]string{corev1.LabelMetadataName: n.OperatorNamespace}}))
	if n.Metrics != nil {
		operations.WithFrom(namespaces(n.Metrics))
	}
	return networkPolicy(app, backendSide(app), users, operations)
}

// frontends are the pods that sign for the app. One that the operator does not run may be any pod of the namespace.
func frontends(app *todov1.TodoApp) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	pods := metav1ac.LabelSelector()
	if app.Spec.Frontend.Image != "" {
		pods.WithMatchLabels(map[string]string{
			todov1.LabelApp: app.Name, todov1.LabelComponent: todov1.ComponentFrontend})
	}
	return networkingv1ac.NetworkPolicyPeer().WithPodSelector(pods)
}

// users lets requests of users in to a port: through ingress controllers where those are known, else from anywhere.
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

func networkPolicy(app *todov1.TodoApp, s side, rules ...*networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration,
) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkingv1ac.NetworkPolicy(s.name, app.Namespace).
		WithLabels(Labels(app, s.component)).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(networkingv1ac.NetworkPolicySpec().
			WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(app, s.component))).
			WithPolicyTypes(networkingv1.PolicyTypeIngress).
			WithIngress(rules...))
}
