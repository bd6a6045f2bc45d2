package v1alpha1

// DatabaseSpec says where a database is.
type DatabaseSpec struct {
	// urlSecretRef names the entry of a Secret that holds the URL, such as postgres://user:password@host/database.
	// +required
	URLSecretRef SecretKeyReference `json:"urlSecretRef,omitzero"`
	// caRef names the certificate authority of the database, for sslmode=verify-full. The pods find it in the file that
	// PGSSLROOTCERT names, and a frontend in NODE_EXTRA_CA_CERTS too. If it is not set, the pods trust the authorities of their
	// image.
	// +optional
	CARef *CAReference `json:"caRef,omitempty"`
	// onChange says what happens if the value of urlSecretRef or caRef changes: Restart (the default) replaces the pods one by
	// one, which read both when they start; Ignore leaves them.
	// +optional
	// +default="Restart"
	OnChange ChangePolicy `json:"onChange,omitempty"`
}

// ChangePolicy says what a change of a Secret or ConfigMap does to the pods that read it.
// +kubebuilder:validation:Enum=Restart;Ignore
type ChangePolicy string

const (
	// ChangeRestart replaces the pods.
	ChangeRestart ChangePolicy = "Restart"
	// ChangeIgnore leaves the pods as they are.
	ChangeIgnore ChangePolicy = "Ignore"
)

// CAReference names the entry of a Secret or ConfigMap that holds certificates in PEM.
type CAReference struct {
	// kind of the object: Secret (the default) or ConfigMap.
	// +optional
	// +default="Secret"
	// +kubebuilder:validation:Enum=Secret;ConfigMap
	Kind string `json:"kind,omitempty"`
	// name of the Secret or ConfigMap, such as pg-ca.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a Secret's or ConfigMap's name: lower case letters, digits, hyphens and dots"
	Name string `json:"name,omitempty"`
	// key is the entry; default ca.crt.
	// +optional
	// +default="ca.crt"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}

// These are the values of CAReference.Kind.
const (
	KindSecret    = "Secret"
	KindConfigMap = "ConfigMap"
)
