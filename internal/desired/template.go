package desired

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// rolling returns a strategy that by default replaces pods one by one and always keeps the desired number of them.
func rolling(asked *todov1.RollingStrategy) *appsv1ac.DeploymentStrategyApplyConfiguration {
	surge, unavailable := intstr.FromInt32(1), intstr.FromInt32(0)
	if asked != nil && asked.MaxSurge != nil {
		surge = *asked.MaxSurge
	}
	if asked != nil && asked.MaxUnavailable != nil {
		unavailable = *asked.MaxUnavailable
	}
	return appsv1ac.DeploymentStrategy().WithType(appsv1.RollingUpdateDeploymentStrategyType).
		WithRollingUpdate(appsv1ac.RollingUpdateDeployment().WithMaxUnavailable(unavailable).WithMaxSurge(surge))
}

// placed adds the fields of the template to a pod, and removes the service account token and the service variables.
func placed(app *todov1.TodoApp, of component, t todov1.PodTemplate, pod *corev1ac.PodSpecApplyConfiguration,
) *corev1ac.PodSpecApplyConfiguration {
	pod.WithAutomountServiceAccountToken(false).WithEnableServiceLinks(false).
		WithTopologySpreadConstraints(spread(app, of, t.TopologySpreadConstraints)...)
	if len(t.NodeSelector) > 0 {
		pod.WithNodeSelector(t.NodeSelector)
	}
	if t.ServiceAccountName != "" {
		pod.WithServiceAccountName(t.ServiceAccountName)
	}
	if t.PriorityClassName != "" {
		pod.WithPriorityClassName(t.PriorityClassName)
	}
	if t.RuntimeClassName != "" {
		pod.WithRuntimeClassName(t.RuntimeClassName)
	}
	if t.DNSPolicy != "" {
		pod.WithDNSPolicy(t.DNSPolicy)
	}
	pod.TerminationGracePeriodSeconds = t.TerminationGracePeriodSeconds
	pod.Tolerations = config[[]corev1ac.TolerationApplyConfiguration](t.Tolerations)
	pod.Affinity = config[*corev1ac.AffinityApplyConfiguration](t.Affinity)
	pod.ImagePullSecrets = merged(config[[]corev1ac.LocalObjectReferenceApplyConfiguration](t.ImagePullSecrets), pod.ImagePullSecrets)
	pod.HostAliases = config[[]corev1ac.HostAliasApplyConfiguration](t.HostAliases)
	pod.DNSConfig = config[*corev1ac.PodDNSConfigApplyConfiguration](t.DNSConfig)
	pod.Volumes = append(pod.Volumes, config[[]corev1ac.VolumeApplyConfiguration](t.Volumes)...)
	pod.SecurityContext = withUser(pod.SecurityContext, t.SecurityContext)
	return pod
}

// spread returns the constraints of the template, or one that spreads the pods over nodes. A constraint without a selector would
// match no pod, so it gets that of the component.
func spread(app *todov1.TodoApp, of component, asked []corev1.TopologySpreadConstraint,
) []*corev1ac.TopologySpreadConstraintApplyConfiguration {
	own := metav1ac.LabelSelector().WithMatchLabels(Selector(app, of.label))
	if len(asked) == 0 {
		return []*corev1ac.TopologySpreadConstraintApplyConfiguration{corev1ac.TopologySpreadConstraint().
			WithMaxSkew(1).WithTopologyKey("kubernetes.io/hostname").
			WithWhenUnsatisfiable(corev1.ScheduleAnyway).WithLabelSelector(own)}
	}
	constraints := config[[]*corev1ac.TopologySpreadConstraintApplyConfiguration](asked)
	for _, constraint := range constraints {
		if constraint.LabelSelector == nil {
			constraint.WithLabelSelector(own)
		}
	}
	return constraints
}

// merged returns the pull Secrets of the template and those of the operator. Each name occurs once, because the API server rejects
// a name that is applied twice.
func merged(asked, own []corev1ac.LocalObjectReferenceApplyConfiguration) []corev1ac.LocalObjectReferenceApplyConfiguration {
	for _, secret := range own {
		same := func(o corev1ac.LocalObjectReferenceApplyConfiguration) bool {
			return ptr.Deref(o.Name, "") == *secret.Name
		}
		if !slices.ContainsFunc(asked, same) {
			asked = append(asked, secret)
		}
	}
	return asked
}

// withUser puts the users of the template in place of the operator's.
func withUser(pod *corev1ac.PodSecurityContextApplyConfiguration, asked *todov1.PodUser,
) *corev1ac.PodSecurityContextApplyConfiguration {
	if asked == nil {
		return pod
	}
	if asked.RunAsUser != nil {
		pod.WithRunAsUser(*asked.RunAsUser)
	}
	if asked.RunAsGroup != nil {
		pod.WithRunAsGroup(*asked.RunAsGroup)
	}
	if asked.FSGroup != nil {
		pod.WithFSGroup(*asked.FSGroup)
	}
	return pod.WithSupplementalGroups(asked.SupplementalGroups...)
}
