package desired

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// disruptionBudget returns a budget by which draining a node evicts one pod of the component at a time. Pods that are not ready
// do not delay a drain.
func disruptionBudget(app *todov1.TodoApp, of component) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(of.name, app.Namespace).
		WithLabels(Labels(app, of.label)).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(app, of.label))))
}
