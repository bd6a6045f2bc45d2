package v1alpha1

// IngressSpec makes the stack reachable from outside the cluster, both components under one host, so that browsers need no
// CORS. Paths below frontendPaths go to the frontend, others below /api to the backend, and all others to the frontend.
// If frontend.image is not set, all paths go to the backend.
type IngressSpec struct {
	// host is the DNS name of the stack, such as todo.example.com. If frontend.url is not set, the operator derives it from the
	// host: with https if tlsSecretName is set, otherwise with http.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') && !self.matches('^[0-9]+([.][0-9]+){3}$')",message="must be a DNS name in lower case, such as todo.example.com: no address, wildcard, port or scheme"
	Host string `json:"host,omitempty"`
	// className names the IngressClass; default the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be an IngressClass's name: lower case letters, digits, hyphens and dots"
	ClassName string `json:"className,omitempty"`
	// annotations of the Ingress, for its controller and for cert-manager. Those under todoapp.dev/ are reserved for the
	// operator.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('todoapp.dev/'))",message="todoapp.dev/* annotations are the operator's"
	Annotations map[string]string `json:"annotations,omitempty"`
	// tlsSecretName names the Secret with the host's certificate, which cert-manager for example writes. If it is not set, the
	// Ingress uses no TLS.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a Secret's name: lower case letters, digits, hyphens and dots"
	TLSSecretName string `json:"tlsSecretName,omitempty"`
	// frontendPaths are the path prefixes below /api that the frontend serves; default /api/auth, the path of Better Auth. A
	// list of your own replaces the default. Prefixes match whole path elements: a user whose name is such an element could
	// not reach their tasks.
	// +optional
	// +default=["/api/auth"]
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^/api(/[-._~A-Za-z0-9]+)+$`
	FrontendPaths []string `json:"frontendPaths,omitempty"`
}
