package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TodoAppStatus is what the operator observed last. The operator never reads it back.
type TodoAppStatus struct {
	// observedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions say what holds and what to do where something does not; their types and reasons are documented with
	// the API.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// keys are the keys of the app, the newest first, without their values.
	// +optional
	// +listType=map
	// +listMapKey=version
	Keys []KeyStatus `json:"keys,omitempty"`
	// rotation is where the rotation stands.
	// +optional
	Rotation *RotationStatus `json:"rotation,omitempty"`
	// frontend is the state of the frontend.
	// +optional
	Frontend *ComponentStatus `json:"frontend,omitempty"`
	// backend is the state of the backend.
	// +optional
	Backend *ComponentStatus `json:"backend,omitempty"`
}

// KeyStatus is one key without its value.
type KeyStatus struct {
	// version is the kid of the tokens signed with the key.
	// +required
	// +kubebuilder:validation:Minimum=1
	Version int64 `json:"version,omitempty"`
	// state is Published, Active, Retiring, Archived or Revoked.
	// +required
	// +kubebuilder:validation:MinLength=1
	State string `json:"state,omitempty"`
	// createdAt is when the key was created.
	// +optional
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`
	// promotedAt is when the key became the one that signs.
	// +optional
	PromotedAt *metav1.Time `json:"promotedAt,omitempty"`
	// retiresAt is when the API stops trusting a retiring key.
	// +optional
	RetiresAt *metav1.Time `json:"retiresAt,omitempty"`
	// revokedAt is when the key was revoked.
	// +optional
	RevokedAt *metav1.Time `json:"revokedAt,omitempty"`
}

// RotationStatus is where the rotation stands.
type RotationStatus struct {
	// phase is Stable, Publishing, Promoting or Draining.
	// +optional
	Phase string `json:"phase,omitempty"`
	// startedAt is when the rotation under way began, with the creation of the newest key; absent while Stable.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// waitingFor names the pods, workloads and Secrets that the rotation waits for, at most ten of them.
	// +optional
	// +listType=atomic
	WaitingFor []string `json:"waitingFor,omitempty"`
	// next is when the schedule replaces the active key; absent when it never does.
	// +optional
	Next *metav1.Time `json:"next,omitempty"`
	// last is when a key was last promoted.
	// +optional
	Last *metav1.Time `json:"last,omitempty"`
}

// ComponentStatus is the state of the frontend or the backend.
type ComponentStatus struct {
	// secretName is the Secret that holds the side's keys.
	// +optional
	SecretName string `json:"secretName,omitempty"`
	// readyReplicas is how many pods of the operator's Deployment are ready.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas"`
	// url is where the side is reached: the frontend by browsers, the backend within the cluster.
	// +optional
	URL string `json:"url,omitempty"`
}
