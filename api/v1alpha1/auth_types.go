package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AuthSpec configures the shared secret and the tokens signed with it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.source) || !has(self.rotation) || !has(self.rotation.rotateAfter)",message="rotateAfter cannot be set with a source: write a new value to the source instead"
type AuthSpec struct {
	// source names a Secret that an external store writes, and whose value is the shared secret. Each new value becomes the
	// next key. If source is not set, the operator generates the keys.
	// +optional
	Source *AuthSource `json:"source,omitempty"`
	// reclaimPolicy says if the keyring Secret is kept when the TodoApp is deleted: Retain (the default) or Delete.
	// If it is retained, the next TodoApp of the same name finds its keys again.
	// +optional
	// +default="Retain"
	ReclaimPolicy ReclaimPolicy `json:"reclaimPolicy,omitempty"`
	// rotation says when keys are replaced and revoked.
	// +optional
	// +default={}
	Rotation RotationSpec `json:"rotation,omitzero"`
	// tokens sets the rules by which the embedded task API accepts tokens.
	// +optional
	// +default={}
	Tokens TokenSpec `json:"tokens,omitzero"`
}

// AuthSource names the shared secret if the operator does not generate it.
type AuthSource struct {
	// secretRef names the entry that an external secret store keeps up to date. Its value must have at least 32 characters,
	// without commas, line breaks or surrounding space. The operator reads it and never writes it.
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// RevokedKeys says if the frontend keeps revoked keys.
//
// +kubebuilder:validation:Enum=Forget;KeepForDecryption
type RevokedKeys string

const (
	// RevokedKeysForget removes revoked keys from the frontend too.
	RevokedKeysForget RevokedKeys = "Forget"
	// RevokedKeysKeepForDecryption leaves revoked keys with the frontend, which can still decrypt data encrypted under them.
	RevokedKeysKeepForDecryption RevokedKeys = "KeepForDecryption"
)

// RotationSpec says when keys are replaced and revoked. Because rotateAfter and revokeBefore are timestamps, applying the
// same manifest again changes nothing.
type RotationSpec struct {
	// interval is the age at which the active key is replaced; 1h to 87600h (ten years), or 0s for never; default 720h
	// (30 days). Up to a tenth is added, differently for each app, so that many apps do not rotate at once. It is ignored if
	// source is set. A rotation interrupts no request and no session.
	// +optional
	// +default="720h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') && (duration(self) == duration('0s') || duration(self) >= duration('1h')) && duration(self) <= duration('87600h')",messageExpression="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') ? (duration(self) < duration('1h') ? 'must be 0s (never) or at least 1h' : 'must be at most 87600h (ten years)') : 'must be a Go duration such as 720h'"
	Interval *metav1.Duration `json:"interval,omitempty"`
	// rotateAfter starts a rotation at this time if the active key was created before it. Set it to the present time, in
	// RFC 3339 such as 2026-11-26T10:00:00Z, to rotate now.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	RotateAfter *metav1.Time `json:"rotateAfter,omitempty"`
	// revokeBefore revokes every key created before this time, at once: tokens and sessions made with those keys fail from
	// then on. Set it to the present time after a leak.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$')",message="must be a moment in RFC 3339 such as 2026-11-26T10:00:00Z"
	RevokeBefore *metav1.Time `json:"revokeBefore,omitempty"`
	// revokedKeys says if the frontend keeps revoked keys: Forget (the default) removes them; KeepForDecryption keeps them
	// to decrypt data that Better Auth stored under them, never for sessions.
	// +optional
	// +default="Forget"
	RevokedKeys RevokedKeys `json:"revokedKeys,omitempty"`
	// historyLimit is the number of keys to keep that the API no longer trusts, so that the frontend can decrypt data stored
	// under them; 0 to 100, default 10.
	// +optional
	// +default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
}

// TokenSpec sets the rules by which the embedded task API accepts tokens. A frontend or backend image of your own finds the
// values in JWT_ISSUER, JWT_AUDIENCE and JWT_MAX_LIFETIME.
type TokenSpec struct {
	// maxLifetime is the longest lifetime of a token that the API accepts; 1m to 8760h, default 168h (7 days). A replaced key
	// verifies for as long.
	// +optional
	// +default="168h"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",messageExpression="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') ? 'must be between 1m and 8760h' : 'must be a Go duration such as 720h'"
	MaxLifetime *metav1.Duration `json:"maxLifetime,omitempty"`
	// leeway is the tolerance for clocks that differ; 0s to 10m, default 30s.
	// +optional
	// +default="30s"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') && duration(self) >= duration('0s') && duration(self) <= duration('10m')",messageExpression="self.matches('^[-+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$') ? 'must be between 0s and 10m' : 'must be a Go duration such as 720h'"
	Leeway *metav1.Duration `json:"leeway,omitempty"`
	// issuer is the iss claim that a token must have. It is not checked if it is not set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Issuer string `json:"issuer,omitempty"`
	// audience is the aud claim that a token must have or list. It is not checked if it is not set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Audience string `json:"audience,omitempty"`
}
