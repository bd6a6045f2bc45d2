package v1alpha1

// IngressSpec is how the stack is reached from outside the cluster: both sides under one host, so that browsers need no
// CORS. Paths below frontendPaths go to the frontend, others below /api to the backend, and everything else to the
// frontend. Without frontend.image the whole host is the backend's.
type IngressSpec struct {
	// host is the DNS name of the stack, such as todo.example.com. Where frontend.url is not set, it follows from the
	// host: with https when tlsSecretName is set, else with http.
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
	// annotations of the Ingress, for its controller and for cert-manager, but for todoapp.dev/*, which are the operator's.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('todoapp.dev/'))",message="todoapp.dev/* annotations are the operator's"
	Annotations map[string]string `json:"annotations,omitempty"`
	// tlsSecretName names the Secret with the host's certificate, which someone else writes, cert-manager for example.
	// Without one the Ingress asks for no TLS.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a Secret's name: lower case letters, digits, hyphens and dots"
	TLSSecretName string `json:"tlsSecretName,omitempty"`
	// frontendPaths are the path prefixes below /api that the frontend serves; default /api/auth, where Better Auth is.
	// A list of your own replaces it. They count by whole path elements; a user of the same name as such an element
	// could not reach their tasks.
	// +optional
	// +default=["/api/auth"]
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^/api(/[-._~A-Za-z0-9]+)+$`
	FrontendPaths []string `json:"frontendPaths,omitempty"`
}
