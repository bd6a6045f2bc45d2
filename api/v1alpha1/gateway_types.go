package v1alpha1

// GatewaySpec makes the stack reachable through a Gateway, by one HTTPRoute with the same paths as those of an Ingress. It may be
// set beside ingress, for a migration.
type GatewaySpec struct {
	// parentRefs name the Gateways that serve the stack.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	ParentRefs []GatewayReference `json:"parentRefs,omitempty"`
	// hostnames are the DNS names of the stack, such as todo.example.com. If neither frontend.url nor ingress is set, the operator
	// derives the frontend's URL from the first one, with https.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') && !self.matches('^[0-9]+([.][0-9]+){3}$')",message="must be a DNS name in lower case, such as todo.example.com: no address, wildcard, port or scheme"
	Hostnames []string `json:"hostnames,omitempty"`
	// annotations of the HTTPRoute. Those under todoapp.dev/ are reserved for the operator.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('todoapp.dev/'))",message="todoapp.dev/* annotations are the operator's"
	Annotations map[string]string `json:"annotations,omitempty"`
	// labels of the HTTPRoute, by which Gateways may select it. Those under todoapp.dev/ and app.kubernetes.io/ are reserved for the
	// operator.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('todoapp.dev/') && !k.startsWith('app.kubernetes.io/'))",message="todoapp.dev/* and app.kubernetes.io/* labels are the operator's"
	Labels map[string]string `json:"labels,omitempty"`
	// frontendPaths are the path prefixes below /api that the frontend serves; default /api/auth, the path of Better Auth. A
	// list of your own replaces the default.
	// +optional
	// +default=["/api/auth"]
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^/api(/[-._~A-Za-z0-9]+)+$`
	FrontendPaths []string `json:"frontendPaths,omitempty"`
}

// GatewayReference names a Gateway, or one listener of it.
type GatewayReference struct {
	// name of the Gateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
	// namespace of the Gateway; default that of the TodoApp.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace,omitempty"`
	// sectionName names one listener of the Gateway; default all that admit the route.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SectionName string `json:"sectionName,omitempty"`
}
