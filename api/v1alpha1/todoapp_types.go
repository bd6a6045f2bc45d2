package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TodoApp runs a frontend that signs tokens and a backend that verifies them with one shared secret.
// The operator generates and rotates that secret, writes it to one Secret for each component, and runs both.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.backend.replicas,statuspath=.status.backend.replicas,selectorpath=.status.backend.selector
// +kubebuilder:resource:shortName=tda,categories=all;todoapp
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Key",type=integer,JSONPath=`.status.keys[?(@.state=="Active")].version`,description="The version of the key that signs"
// +kubebuilder:printcolumn:name="Rotation",type=string,JSONPath=`.status.rotation.phase`
// +kubebuilder:printcolumn:name="Next",type=string,format=date-time,JSONPath=`.status.rotation.next`,description="When the schedule replaces the key"
// +kubebuilder:printcolumn:name="Frontend",type=integer,JSONPath=`.status.frontend.readyReplicas`,priority=1
// +kubebuilder:printcolumn:name="Backend",type=integer,JSONPath=`.status.backend.readyReplicas`,priority=1
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.frontend.url`,priority=1
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,priority=1
// +kubebuilder:printcolumn:name="Paused",type=string,JSONPath=`.status.conditions[?(@.type=="Paused")].status`,priority=1,description="True while the annotation todoapp.dev/paused stops the operator"
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1,description="What to do if the app is not ready"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= 63",message="metadata.name must be at most 63 lower case letters, digits and hyphens, and begin with a letter: Services and labels carry it"
// +kubebuilder:validation:XValidation:rule="(has(self.spec.frontend) && has(self.spec.frontend.secretRef) ? self.spec.frontend.secretRef.name : self.metadata.name + '-frontend-auth') != (has(self.spec.backend) && has(self.spec.backend.secretRef) ? self.spec.backend.secretRef.name : self.metadata.name + '-backend-auth')",message="spec.frontend.secretRef and spec.backend.secretRef must name different Secrets: the operator writes each side its own"
// +kubebuilder:validation:XValidation:rule="!(has(self.spec.frontend) && has(self.spec.frontend.secretRef)) || self.spec.frontend.secretRef.name != self.metadata.name + '-keyring'",message="spec.frontend.secretRef must not name the keyring Secret: no pod reads that one"
// +kubebuilder:validation:XValidation:rule="!(has(self.spec.backend) && has(self.spec.backend.secretRef)) || self.spec.backend.secretRef.name != self.metadata.name + '-keyring'",message="spec.backend.secretRef must not name the keyring Secret: no pod reads that one"
// +kubebuilder:validation:XValidation:rule="!(has(self.spec.auth) && has(self.spec.auth.source)) || !(self.spec.auth.source.secretRef.name in [self.metadata.name + '-keyring', has(self.spec.frontend) && has(self.spec.frontend.secretRef) ? self.spec.frontend.secretRef.name : self.metadata.name + '-frontend-auth', has(self.spec.backend) && has(self.spec.backend.secretRef) ? self.spec.backend.secretRef.name : self.metadata.name + '-backend-auth'])",message="spec.auth.source.secretRef must name a Secret of its own: the operator writes the others"
// +kubebuilder:validation:XValidation:rule="!(has(self.spec.ingress) && has(self.spec.ingress.tlsSecretName)) || !(self.spec.ingress.tlsSecretName in [self.metadata.name + '-keyring', has(self.spec.frontend) && has(self.spec.frontend.secretRef) ? self.spec.frontend.secretRef.name : self.metadata.name + '-frontend-auth', has(self.spec.backend) && has(self.spec.backend.secretRef) ? self.spec.backend.secretRef.name : self.metadata.name + '-backend-auth'])",message="spec.ingress.tlsSecretName must name a Secret of its own: the operator writes the others"
type TodoApp struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the desired stack. An empty spec is valid: the embedded task API on SQLite with generated keys.
	// +optional
	// +default={}
	Spec TodoAppSpec `json:"spec,omitzero"`

	// status holds the last state that the operator observed; the operator reads it back only to order its work.
	// +optional
	// +default={"observedGeneration": -1}
	Status TodoAppStatus `json:"status,omitzero"`

	// Undecodable says why the stored spec does not decode; empty if it does. It is not part of the API.
	Undecodable string `json:"-"`
}

// TodoAppList is a list of TodoApps.
//
// +kubebuilder:object:root=true
type TodoAppList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []TodoApp `json:"items"`
}

// TodoAppSpec is the desired stack.
type TodoAppSpec struct {
	// auth configures the shared secret and the tokens signed with it.
	// +optional
	// +default={}
	Auth AuthSpec `json:"auth,omitzero"`
	// frontend is the component that signs tokens.
	// +optional
	// +default={}
	Frontend FrontendSpec `json:"frontend,omitzero"`
	// backend is the component that verifies tokens and serves tasks.
	// +optional
	// +default={}
	Backend BackendSpec `json:"backend,omitzero"`
	// ingress makes the stack reachable from outside the cluster. If it is not set, there are Services only.
	// +optional
	Ingress *IngressSpec `json:"ingress,omitempty"`
	// inheritedMetadata holds labels and annotations that every object of the app gets, Secrets included, for policies that ask
	// for a label or tools that look for an annotation. Pods get theirs from template.labels and template.annotations.
	// +optional
	InheritedMetadata *InheritedMetadata `json:"inheritedMetadata,omitempty"`
	// gateway makes the stack reachable from outside the cluster through a Gateway of the Gateway API.
	// +optional
	Gateway *GatewaySpec `json:"gateway,omitempty"`
}

// SecretReference names a Secret in the TodoApp's namespace.
type SecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a Secret's name: lower case letters, digits, hyphens and dots"
	Name string `json:"name,omitempty"`
}

// SecretKeyReference names one entry of a Secret in the TodoApp's namespace.
type SecretKeyReference struct {
	SecretReference `json:",inline"`
	// key is the entry of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}
