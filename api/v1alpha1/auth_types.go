package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AuthSpec is about the shared secret and the tokens signed with it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.source) || !has(self.rotation) || !has(self.rotation.rotateAfter)",message="rotateAfter cannot be set with a source: write a new value to the source instead"
type AuthSpec struct {
	// source is an external store's Secret whose value is the shared secret; each new value becomes the next key and
	// is rotated in. Without a source the operator generates the keys.
	// +optional
	Source *AuthSource `json:"source,omitempty"`
	// reclaimPolicy says what becomes of the keyring Secret when the TodoApp is deleted: Retain (the default) or Delete.
	// If it is retained, the next TodoApp of the same name finds its keys again.
	// +optional
	// +default="Retain"
	ReclaimPolicy ReclaimPolicy `json:"reclaimPolicy,omitempty"`
	// rotation says when keys are replaced and revoked.
	// +optional
	// +default={}
	Rotation RotationSpec `json:"rotation,omitzero"`
	// tokens is what the embedded task API asks of tokens.
	// +optional
	// +default={}
	Tokens TokenSpec `json:"tokens,omitzero"`
}

// AuthSource is where the shared secret comes from when the operator does not generate it.
type AuthSource struct {
	// secretRef is the entry that an external secret store keeps up to date. It holds at least 32 characters, without
	// commas, line breaks or surrounding space. The operator reads it and never writes it.
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// RevokedKeys says what becomes of revoked keys.
//
// +kubebuilder:validation:Enum=Forget;KeepForDecryption
type RevokedKeys string

const (
	// RevokedKeysForget takes revoked keys from the frontend too.
	RevokedKeysForget RevokedKeys = "Forget"
	// RevokedKeysKeepForDecryption leaves them with the frontend, which then still reads what it encrypted under them.
	RevokedKeysKeepForDecryption RevokedKeys = "KeepForDecryption"
)

// RotationSpec says when keys are replaced and revoked. rotateAfter and revokeBefore are moments, not switches:
// applying the same manifest again does nothing.
type RotationSpec struct {
	// interval is the age at which the active key is replaced, in a rotation that no user and no request notices.
	// A tenth of it is added at most, differently for each app, so that many apps do not rotate at once.
	// 0s means never by itself; otherwise 1h to 87600h (ten years). Default 720h (30 days). It does not count with a source.
	// +optional
	// +default="720h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') && (duration(self) == duration('0s') || duration(self) >= duration('1h')) && duration(self) <= duration('87600h')",messageExpression="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') ? (duration(self) < duration('1h') ? 'must be 0s (never) or at least 1h' : 'must be at most 87600h (ten years)') : 'must be a Go duration such as 720h'"
	Interval *metav1.Duration `json:"interval,omitempty"`
	// rotateAfter starts a rotation, once this moment has come, when the active key was created before it.
	// Set it to the present time to rotate now.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	RotateAfter *metav1.Time `json:"rotateAfter,omitempty"`
	// revokeBefore takes all trust from every key created before this moment, at once: tokens and sessions made with
	// them fail from then on. Set it to the present time after a leak.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	RevokeBefore *metav1.Time `json:"revokeBefore,omitempty"`
	// revokedKeys says what becomes of revoked keys: Forget (the default) takes them from the frontend too;
	// KeepForDecryption leaves them there to read what Better Auth stored under them, never for sessions.
	// +optional
	// +default="Forget"
	RevokedKeys RevokedKeys `json:"revokedKeys,omitempty"`
	// historyLimit is how many keys that the API no longer trusts are kept, so that the frontend can decrypt what it
	// stored under them; 0 to 100, default 10.
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
}

// TokenSpec is what the embedded task API asks of tokens. A frontend or backend image of your own finds the values in
// JWT_ISSUER, JWT_AUDIENCE and JWT_MAX_LIFETIME.
type TokenSpec struct {
	// maxLifetime is the longest time to live of a token that the API accepts, and therefore how long a replaced key
	// keeps verifying; 1m to 8760h, default 168h (7 days).
	// +optional
	// +default="168h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",messageExpression="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') ? 'must be between 1m and 8760h' : 'must be a Go duration such as 720h'"
	MaxLifetime *metav1.Duration `json:"maxLifetime,omitempty"`
	// leeway is the tolerance for clocks that differ; 0s to 10m, default 30s.
	// +optional
	// +default="30s"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') && duration(self) >= duration('0s') && duration(self) <= duration('10m')",messageExpression="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') ? 'must be between 0s and 10m' : 'must be a Go duration such as 720h'"
	Leeway *metav1.Duration `json:"leeway,omitempty"`
	// issuer is the iss claim that a token must have. Not checked when absent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Issuer string `json:"issuer,omitempty"`
	// audience is the aud claim that a token must have or list. Not checked when absent.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Audience string `json:"audience,omitempty"`
}
