package desired

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func service(app *todov1.TodoApp, s side) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(s.name, app.Namespace).
		WithLabels(Labels(app, s.component)).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(corev1ac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(Selector(app, s.component)).
			WithPorts(corev1ac.ServicePort().
				WithName("http").
				WithProtocol(corev1.ProtocolTCP).
				WithPort(s.port).
				WithTargetPort(intstr.FromString("http"))))
}

// disruptionBudget lets a node be drained one pod of the side at a time; pods that are not ready hold up no drain.
func disruptionBudget(app *todov1.TodoApp, s side) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(s.name, app.Namespace).
		WithLabels(Labels(app, s.component)).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(app, s.component))))
}
