package desired

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func service(app *todov1.TodoApp, of component) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(of.name, app.Namespace).
		WithLabels(Labels(app, of.label)).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(corev1ac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(Selector(app, of.label)).
			WithPorts(corev1ac.ServicePort().
				WithName("http").
				WithProtocol(corev1.ProtocolTCP).
				WithPort(of.port).
				WithTargetPort(intstr.FromString("http"))))
}
