package v1alpha1

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// AutoscalingSpec lets an autoscaler set the number of pods. The operator makes a HorizontalPodAutoscaler, or leaves the number to
// an autoscaler that you run, such as KEDA.
//
// +kubebuilder:validation:XValidation:rule="(has(self.external) && self.external) != has(self.maxReplicas)",message="set maxReplicas, or external: true if an autoscaler of your own sets the number of pods"
// +kubebuilder:validation:XValidation:rule="!has(self.external) || !self.external || (!has(self.metrics) && !has(self.behavior))",message="metrics and behavior are for the operator's autoscaler: remove them, or external"
// +kubebuilder:validation:XValidation:rule="!has(self.maxReplicas) || !has(self.minReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas must be at most maxReplicas"
type AutoscalingSpec struct {
	// external says that an autoscaler of your own sets the replicas of the Deployment; default false.
	// +optional
	External bool `json:"external,omitempty"`
	// minReplicas is the least number of pods; 1 to 100, default 1. If it is more than 1, a disruption budget lets a drain evict
	// one pod at a time.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	// maxReplicas is the greatest number of pods; 1 to 100. It is required unless external is true.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`
	// metrics to scale by, as in a HorizontalPodAutoscaler; default 80 % of the CPU that the pods request.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Metrics []autoscalingv2.MetricSpec `json:"metrics,omitempty"`
	// behavior limits how fast the number changes, as in a HorizontalPodAutoscaler.
	// +optional
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
}
