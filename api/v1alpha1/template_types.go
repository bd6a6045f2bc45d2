package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// PodTemplate adds fields to the pods. Each field has the meaning that it has in a pod.
// +kubebuilder:validation:XValidation:rule="!has(self.volumeMounts) || self.volumeMounts.all(m, has(self.volumes) && self.volumes.exists(v, v.name == m.name))",message="volumeMounts names a volume that volumes does not hold: add it to template.volumes, or correct the name"
// +kubebuilder:validation:XValidation:rule="!has(self.dnsPolicy) || self.dnsPolicy != 'None' || (has(self.dnsConfig) && has(self.dnsConfig.nameservers) && size(self.dnsConfig.nameservers) > 0)",message="dnsPolicy None needs dnsConfig.nameservers: set one to three addresses"
type PodTemplate struct {
	// nodeSelector that a node must match.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// tolerations of the pods.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// affinity of the pods.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`
	// imagePullSecrets of the pods.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	// serviceAccountName the pods run as; default the namespace's default account. No token of it is mounted.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`
	// annotations of the pods. Those under todoapp.dev/ are reserved for the operator.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('todoapp.dev/'))",message="todoapp.dev/* annotations are the operator's"
	Annotations map[string]string `json:"annotations,omitempty"`
	// labels of the pods. Those under todoapp.dev/ and app.kubernetes.io/ are reserved for the operator.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('todoapp.dev/') && !k.startsWith('app.kubernetes.io/'))",message="todoapp.dev/* and app.kubernetes.io/* labels are the operator's"
	Labels map[string]string `json:"labels,omitempty"`
	// topologySpreadConstraints replace the operator's own constraint, which spreads the pods over nodes if it can. A constraint
	// without a labelSelector counts the pods of the component.
	// +optional
	// +listType=map
	// +listMapKey=topologyKey
	// +listMapKey=whenUnsatisfiable
	// +kubebuilder:validation:MaxItems=10
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
	// priorityClassName of the pods; default the cluster's default class.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`
	// runtimeClassName of the pods, such as gvisor; default the node's own runtime.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	RuntimeClassName string `json:"runtimeClassName,omitempty"`
	// terminationGracePeriodSeconds is how long a pod has to stop; 5 to 86400, default 30. For the first 3s of it the pod still
	// serves, until proxies have removed it from their endpoints.
	// +optional
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=86400
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`
	// hostAliases adds lines to the pods' /etc/hosts.
	// +optional
	// +listType=map
	// +listMapKey=ip
	// +kubebuilder:validation:MaxItems=50
	HostAliases []corev1.HostAlias `json:"hostAliases,omitempty"`
	// dnsPolicy of the pods: ClusterFirst (the default), Default (that of the node) or None (dnsConfig alone).
	// +optional
	// +kubebuilder:validation:Enum=ClusterFirst;Default;None
	DNSPolicy corev1.DNSPolicy `json:"dnsPolicy,omitempty"`
	// dnsConfig adds to the DNS settings of the pods.
	// +optional
	DNSConfig *corev1.PodDNSConfig `json:"dnsConfig,omitempty"`
	// securityContext sets the user and the groups of the pods. All else stays as the restricted Pod Security Standard asks.
	// +optional
	SecurityContext *PodUser `json:"securityContext,omitempty"`
	// imagePullPolicy of the container: Always, IfNotPresent or Never; default IfNotPresent, and Always for the tag latest.
	// +optional
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`
	// strategy says how pods are replaced. It does not apply to a backend on SQLite, which stops its pod before it starts the next.
	// +optional
	Strategy *RollingStrategy `json:"strategy,omitempty"`
	// volumes of the pods.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	Volumes []Volume `json:"volumes,omitempty"`
	// volumeMounts mounts volumes in the container.
	// +optional
	// +listType=map
	// +listMapKey=mountPath
	// +kubebuilder:validation:MaxItems=40
	VolumeMounts []VolumeMount `json:"volumeMounts,omitempty"`
	// envFrom adds all entries of Secrets and ConfigMaps to the environment. The operator's variables and those of env win. It
	// cannot name a Secret that the operator writes.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	EnvFrom []corev1.EnvFromSource `json:"envFrom,omitempty"`
}

// PodUser sets the user and the groups that pods run as.
type PodUser struct {
	// runAsUser is the numeric user of the container. Set it if the image names its user, such as USER nextjs: the kubelet cannot
	// tell if a name is root. Default: the user of the image, and 65532 for the task API.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self > 0",message="must not be 0, because pods do not run as root: set the numeric user of the image, such as 1001"
	// +kubebuilder:validation:Maximum=4294967294
	RunAsUser *int64 `json:"runAsUser,omitempty"`
	// runAsGroup is the primary group of the container; default that of the image, and 65532 for the task API.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967294
	RunAsGroup *int64 `json:"runAsGroup,omitempty"`
	// fsGroup owns the volumes of the pods; default 65532 for the task API and for a backend on SQLite, and none otherwise.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967294
	FSGroup *int64 `json:"fsGroup,omitempty"`
	// supplementalGroups are more groups of the container.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	SupplementalGroups []int64 `json:"supplementalGroups,omitempty"`
}

// RollingStrategy says how many pods a roll-out may add and take away. If a quota has no room for one pod more, set maxSurge to 0
// and maxUnavailable to 1.
// +kubebuilder:validation:XValidation:rule="!has(self.maxSurge) || !(self.maxSurge == 0 || self.maxSurge == '0%') || (has(self.maxUnavailable) && !(self.maxUnavailable == 0 || self.maxUnavailable == '0%'))",message="a roll-out with maxSurge 0 needs room below: set maxUnavailable to 1 or more"
type RollingStrategy struct {
	// maxSurge is how many pods, or which percentage such as 25%, a roll-out may add; default 1.
	// +optional
	// +kubebuilder:validation:XValidation:rule="type(self) == string ? self.matches('^(100|[0-9]{1,2})%$') : (self >= 0 && self <= 100)",message="must be a number or a percentage, such as 1 or 25%"
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`
	// maxUnavailable is how many pods, or which percentage, a roll-out may take away; default 0, which keeps all of them.
	// +optional
	// +kubebuilder:validation:XValidation:rule="type(self) == string ? self.matches('^(100|[0-9]{1,2})%$') : (self >= 0 && self <= 100)",message="must be a number or a percentage, such as 1 or 25%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}
