package v1alpha1

// InheritedMetadata holds labels and annotations that every object of the app gets.
type InheritedMetadata struct {
	// labels of the objects. Those of the operator and those by which GitOps tools and Helm find their objects are reserved.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, !['todoapp.dev/', 'argocd.argoproj.io/', 'kustomize.toolkit.fluxcd.io/', 'helm.toolkit.fluxcd.io/', 'applyset.kubernetes.io/', 'config.kubernetes.io/', 'helm.sh/', 'meta.helm.sh/', 'kubectl.kubernetes.io/'].exists(p, k.startsWith(p)) && !(k in ['app.kubernetes.io/name', 'app.kubernetes.io/component', 'app.kubernetes.io/instance', 'app.kubernetes.io/managed-by']))",message="has a label of the operator, or one by which a GitOps tool or Helm finds what it may delete: leave that out"
	Labels map[string]string `json:"labels,omitempty"`
	// annotations of the objects, with the same exceptions.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, !['todoapp.dev/', 'argocd.argoproj.io/', 'kustomize.toolkit.fluxcd.io/', 'helm.toolkit.fluxcd.io/', 'applyset.kubernetes.io/', 'config.kubernetes.io/', 'helm.sh/', 'meta.helm.sh/', 'kubectl.kubernetes.io/'].exists(p, k.startsWith(p)))",message="has an annotation of the operator, or one by which a GitOps tool or Helm finds what it may delete: leave that out"
	Annotations map[string]string `json:"annotations,omitempty"`
}
