package v1alpha1

import corev1 "k8s.io/api/core/v1"

// Volume is a volume of the pods. Its fields mean what they mean in a pod.
// +kubebuilder:validation:XValidation:rule="[has(self.configMap), has(self.secret), has(self.projected), has(self.emptyDir), has(self.csi), has(self.ephemeral)].filter(s, s).size() == 1",message="set exactly one of configMap, secret, projected, emptyDir, csi and ephemeral"
// +kubebuilder:validation:XValidation:rule="!has(self.name) || !(self.name in ['auth', 'data', 'tmp', 'database-ca'])",message="the operator has volumes named auth, data, tmp and database-ca: choose another name"
type Volume struct {
	// name by which volumeMounts refer to the volume.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`
	// configMap holds the entries of a ConfigMap as files.
	// +optional
	ConfigMap *corev1.ConfigMapVolumeSource `json:"configMap,omitempty"`
	// secret holds the entries of a Secret as files. It cannot be a Secret that the operator writes.
	// +optional
	Secret *corev1.SecretVolumeSource `json:"secret,omitempty"`
	// projected holds entries of several Secrets and ConfigMaps in one directory.
	// +optional
	Projected *ProjectedVolume `json:"projected,omitempty"`
	// emptyDir is empty when the pod starts and is deleted with it, for caches such as .next/cache.
	// +optional
	EmptyDir *corev1.EmptyDirVolumeSource `json:"emptyDir,omitempty"`
	// csi is a volume that a CSI driver makes for the pod, such as that of the Secrets Store.
	// +optional
	CSI *corev1.CSIVolumeSource `json:"csi,omitempty"`
	// ephemeral is a volume of a StorageClass that is made and deleted with the pod.
	// +optional
	Ephemeral *EphemeralVolume `json:"ephemeral,omitempty"`
}

// ProjectedVolume joins several sources in one directory. No token of a service account can be projected.
type ProjectedVolume struct {
	// sources of the files.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	Sources []ProjectedSource `json:"sources,omitempty"` //nolint:kubeapilinter // a source is one of a kind, as in a pod
	// defaultMode of the files, such as 288 (octal 0440); default 420 (0644).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=511
	DefaultMode *int32 `json:"defaultMode,omitempty"`
}

// ProjectedSource is one source of a projected volume.
// +kubebuilder:validation:XValidation:rule="[has(self.secret), has(self.configMap), has(self.downwardAPI)].filter(s, s).size() == 1",message="set exactly one of secret, configMap and downwardAPI"
type ProjectedSource struct {
	// secret whose entries become files.
	// +optional
	Secret *corev1.SecretProjection `json:"secret,omitempty"`
	// configMap whose entries become files.
	// +optional
	ConfigMap *corev1.ConfigMapProjection `json:"configMap,omitempty"`
	// downwardAPI makes files of fields of the pod.
	// +optional
	DownwardAPI *corev1.DownwardAPIProjection `json:"downwardAPI,omitempty"`
}

// EphemeralVolume is a volume that is made and deleted with the pod.
type EphemeralVolume struct {
	// volumeClaimTemplate describes the claim that is made for each pod.
	// +required
	VolumeClaimTemplate VolumeClaimTemplate `json:"volumeClaimTemplate,omitzero"`
}

// VolumeClaimTemplate describes a claim.
type VolumeClaimTemplate struct {
	// spec of the claim.
	// +required
	Spec VolumeClaimSpec `json:"spec,omitzero"`
}

// VolumeClaimSpec holds the fields of a claim.
type VolumeClaimSpec struct {
	// accessModes of the volume, such as ReadWriteOnce.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	AccessModes []corev1.PersistentVolumeAccessMode `json:"accessModes,omitempty"`
	// resources holds the size of the volume.
	// +required
	Resources VolumeClaimResources `json:"resources,omitzero"`
	// storageClassName of the volume; default the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
}

// VolumeClaimResources holds the size of a claim.
type VolumeClaimResources struct {
	// requests holds the size under storage, such as 1Gi.
	// +required
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=1
	Requests corev1.ResourceList `json:"requests,omitempty"`
}

// VolumeMount mounts a volume in the container.
// +kubebuilder:validation:XValidation:rule="!has(self.mountPath) || (self.mountPath.startsWith('/') && self.mountPath != '/' && !(self.mountPath + '/').startsWith('/etc/todoapp/') && !self.mountPath.contains(':') && !self.mountPath.contains('..'))",message="mountPath must be an absolute path such as /app/.next/cache, without a colon or .., and not below /etc/todoapp, which is the operator's"
type VolumeMount struct {
	// name of the volume in template.volumes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`
	// mountPath is the directory, or with subPath the file, at which the volume appears in the container.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	MountPath string `json:"mountPath,omitempty"`
	// subPath is the path in the volume to mount; default its root.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	SubPath string `json:"subPath,omitempty"`
	// readOnly mounts the volume for reading alone; default false.
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
}
