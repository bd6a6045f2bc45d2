package desired

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// cpuUtilization is the share of the requested CPU, in percent, that an autoscaler without metrics aims at.
const cpuUtilization = 80

// autoscaler returns the HorizontalPodAutoscaler of a component.
func autoscaler(app *todov1.TodoApp, of component, spec *todov1.AutoscalingSpec,
) *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	scaled := autoscalingv2ac.HorizontalPodAutoscalerSpec().
		WithScaleTargetRef(autoscalingv2ac.CrossVersionObjectReference().
			WithAPIVersion("apps/v1").WithKind("Deployment").WithName(of.name)).
		WithMinReplicas(ptr.Deref(spec.MinReplicas, 1)).
		WithMaxReplicas(ptr.Deref(spec.MaxReplicas, 1))
	scaled.Metrics = config[[]autoscalingv2ac.MetricSpecApplyConfiguration](spec.Metrics)
	if len(spec.Metrics) == 0 {
		scaled.WithMetrics(autoscalingv2ac.MetricSpec().WithType(autoscalingv2.ResourceMetricSourceType).
			WithResource(autoscalingv2ac.ResourceMetricSource().WithName(corev1.ResourceCPU).
				WithTarget(autoscalingv2ac.MetricTarget().
					WithType(autoscalingv2.UtilizationMetricType).WithAverageUtilization(cpuUtilization))))
	}
	scaled.Behavior = config[*autoscalingv2ac.HorizontalPodAutoscalerBehaviorApplyConfiguration](spec.Behavior)
	return autoscalingv2ac.HorizontalPodAutoscaler(of.name, app.Namespace).
		WithLabels(Labels(app, of.label)).
		WithOwnerReferences(OwnerReference(app)).
		WithSpec(scaled)
}

// autoscaled leaves the replicas of a Deployment out if an autoscaler sets them.
func autoscaled(d *appsv1ac.DeploymentApplyConfiguration, spec *todov1.AutoscalingSpec) *appsv1ac.DeploymentApplyConfiguration {
	if spec != nil {
		d.Spec.Replicas = nil
	}
	return d
}

// OwnAutoscaler reports whether the operator makes an autoscaler for a component.
func OwnAutoscaler(spec *todov1.AutoscalingSpec) bool { return spec != nil && !spec.External }

// leastReplicas returns the number of pods that a component always has.
func leastReplicas(replicas *int32, spec *todov1.AutoscalingSpec) int32 {
	if spec != nil {
		return ptr.Deref(spec.MinReplicas, 1)
	}
	return ptr.Deref(replicas, 1)
}
