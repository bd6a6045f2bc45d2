package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TodoAppStatus holds the last state that the operator observed. The operator reads it back only to order its work.
type TodoAppStatus struct {
	// observedGeneration is the generation of the spec that the status is about; -1 before the operator has seen the app.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions say if the app works and, if it does not, what to do. docs/troubleshooting.md explains every reason.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.all(c, c.lastTransitionTime.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$'))",message="lastTransitionTime must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// plan lists what the operator would do now if the app were not paused, in order and at most 50 lines; absent unless the
	// app is paused.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=1024
	Plan []string `json:"plan,omitempty"`
	// keys are the keys of the app, the newest first, without their values.
	// +optional
	// +listType=map
	// +listMapKey=version
	// +kubebuilder:validation:MaxItems=1000
	Keys []KeyStatus `json:"keys,omitempty"`
	// rotation is the progress of the rotation.
	// +optional
	Rotation *RotationStatus `json:"rotation,omitempty"`
	// frontend is the state of the frontend.
	// +optional
	Frontend *ComponentStatus `json:"frontend,omitempty"`
	// backend is the state of the backend.
	// +optional
	Backend *ComponentStatus `json:"backend,omitempty"`
}

// KeyState says what a key is used for.
//
// +kubebuilder:validation:Enum=Published;Active;Retiring;Archived;Revoked
type KeyState string

const (
	// KeyPublished verifies, and does not sign until every backend pod trusts it.
	KeyPublished KeyState = "Published"
	// KeyActive signs and verifies.
	KeyActive KeyState = "Active"
	// KeyRetiring was replaced, and verifies until the tokens signed with it have expired.
	KeyRetiring KeyState = "Retiring"
	// KeyArchived only decrypts what the frontend stored under it.
	KeyArchived KeyState = "Archived"
	// KeyRevoked is no longer trusted.
	KeyRevoked KeyState = "Revoked"
)

// KeyStates returns every state of a key, in the order in which a key passes through them.
func KeyStates() []KeyState {
	return []KeyState{KeyPublished, KeyActive, KeyRetiring, KeyArchived, KeyRevoked}
}

// RotationPhase says how far a rotation has come.
//
// +kubebuilder:validation:Enum=Stable;Publishing;Promoting;Draining
type RotationPhase string

const (
	// RotationStable has one key in use.
	RotationStable RotationPhase = "Stable"
	// RotationPublishing waits for the backend to trust a new key.
	RotationPublishing RotationPhase = "Publishing"
	// RotationPromoting waits for the frontend to sign with the new key alone.
	RotationPromoting RotationPhase = "Promoting"
	// RotationDraining waits for tokens signed with the replaced key to expire.
	RotationDraining RotationPhase = "Draining"
)

// RotationPhases returns every phase, in the order in which a rotation passes through them.
func RotationPhases() []RotationPhase {
	return []RotationPhase{RotationStable, RotationPublishing, RotationPromoting, RotationDraining}
}

// KeyStatus is one key without its value.
type KeyStatus struct {
	// version is the kid of the tokens signed with the key.
	// +required
	// +kubebuilder:validation:Minimum=1
	Version int64 `json:"version,omitempty"`
	// state says what the key is used for: Published (verifies, does not sign yet), Active (signs), Retiring (verifies until
	// retiresAt), Archived (decrypts for the frontend) or Revoked (no longer trusted).
	// +required
	State KeyState `json:"state,omitempty"`
	// createdAt is when the key was created.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`
	// promotedAt is when the key began to sign.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	PromotedAt *metav1.Time `json:"promotedAt,omitempty"`
	// retiresAt is when the API stops trusting a retiring key.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	RetiresAt *metav1.Time `json:"retiresAt,omitempty"`
	// revokedAt is when the key was revoked.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	RevokedAt *metav1.Time `json:"revokedAt,omitempty"`
}

// RotationStatus is the progress of the rotation.
type RotationStatus struct {
	// phase is Stable (one key is in use), Publishing (the backend takes up a new key), Promoting (the frontend begins to
	// sign with it) or Draining (tokens of the replaced key expire).
	// +optional
	Phase RotationPhase `json:"phase,omitempty"`
	// startedAt is when the present rotation created its key; absent while the phase is Stable.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// waitingFor names the pods, workloads and Secrets that the rotation waits for, at most ten of them.
	// +optional
	// +listType=atomic
	WaitingFor []string `json:"waitingFor,omitempty"`
	// next is when the schedule replaces the active key; absent when it never does.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	Next *metav1.Time `json:"next,omitempty"`
	// last is when a key was last promoted.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	Last *metav1.Time `json:"last,omitempty"`
}

// ComponentStatus is the state of the frontend or the backend.
type ComponentStatus struct {
	// secretName is the Secret that holds the component's keys.
	// +optional
	SecretName string `json:"secretName,omitempty"`
	// readyReplicas is how many pods of the operator's Deployment are ready.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas"`
	// replicas is how many pods the operator's Deployment has.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// selector selects the pods of the operator's Deployment, for autoscalers.
	// +optional
	Selector string `json:"selector,omitempty"`
	// url is the address of the component: that of the frontend for browsers, that of the backend within the cluster.
	// +optional
	URL string `json:"url,omitempty"`
}
