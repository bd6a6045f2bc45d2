package keyring

import (
	"encoding/base64"
	"slices"
	"time"
)

// Policy holds the settings of an app that concern its keys.
type Policy struct {
	// Interval is the age at which the active key is replaced, an app's own spread included; zero means never by itself.
	Interval time.Duration
	// RotateAfter asks for an active key created at or after this moment, once it has come; zero asks for nothing.
	RotateAfter time.Time
	// RevokeBefore revokes every key created before this moment, once it has come; zero revokes none.
	RevokeBefore time.Time
	// KeepRevoked leaves revoked keys in the frontend's Secret, so that it can still decrypt data.
	KeepRevoked bool
	// MaxLifetime is the longest lifetime of a token that the API accepts. Leeway is its tolerance for clocks.
	MaxLifetime, Leeway time.Duration
	// SessionLifetime is how long a session cookie signed with a demoted key may be carried over.
	SessionLifetime time.Duration
	// HandoverPeriod is how long an externally managed frontend may still sign with the previous key.
	HandoverPeriod time.Duration
	// HistoryLimit is how many archived and revoked keys are kept when a rotation begins.
	HistoryLimit int
	// ExternallySourced says that values come from an external store. The operator generates only the successor of a revoked
	// key, if the store has no new value.
	ExternallySourced bool
}

// Validity returns how long a key stays trusted after its last signer has gone.
func (p Policy) Validity() time.Duration { return p.MaxLifetime + p.Leeway }

// Pod describes the keys of one live pod. A pod whose keys are not known delays a rotation.
type Pod struct {
	Name string
	// Trusts are the versions that the pod is known to have; empty when that is not known.
	Trusts []int64
	// Signs is the only version that the pod can sign with; zero when that is not known.
	Signs int64
}

// Fleet describes the pods of one component.
type Fleet struct {
	// Pods lists all live pods, including those that terminate, and every workload that may start one at any moment.
	Pods []Pod
	// ExternallyManaged says that the operator cannot list the component's pods.
	ExternallyManaged bool
	// WrittenAt is the moment when the active key was written to the Secret of an externally managed component, or a later one:
	// the component cannot have loaded the key before. If it is zero the promotion counts instead.
	WrittenAt time.Time
}

// failing returns the names of the pods that do not fulfil a condition.
func (f Fleet) failing(ok func(Pod) bool) []string {
	var names []string
	for _, p := range f.Pods {
		if !ok(p) {
			names = append(names, p.Name)
		}
	}
	return names
}

// withoutTrust returns the names of the pods that are not known to trust a version.
func (f Fleet) withoutTrust(version int64) []string {
	return f.failing(func(p Pod) bool { return slices.Contains(p.Trusts, version) })
}

// Inputs holds everything that a transition depends on besides the ring.
type Inputs struct {
	// Now is read after the pods were listed. A pod that is missing from the list cannot have signed later than Now.
	Now    time.Time
	Policy Policy
	// Verifiers and Signers are the live backends and frontends.
	Verifiers, Signers Fleet
	// Recovery holds the existing Secrets of both components. If there is no ring, it is rebuilt from them. If there is one, they
	// delay a rotation until they carry its projections, because a pod that starts loads them.
	// They must be read before the ring. Otherwise a stale manager could read an old ring and projections that already match it.
	Recovery Recovery
	// Projected holds the Secrets of Recovery that the operator is known to have written. If they hold keys that the ring lacks,
	// the ring was restored from a backup.
	Projected Recovery
	// Source is the present value of the external store; empty if it has none. Once there is a ring, a value that is not Portable
	// counts as none.
	Source Value
	// HoldRotation keeps a rotation from beginning. A rotation under way, a revocation and a first key are not affected.
	HoldRotation bool
	// Fresh generates a value. It is called at most once.
	Fresh func() Value
}

// known reports whether a live pod has a key of a version.
func (in Inputs) known(version int64) bool {
	return slices.ContainsFunc(slices.Concat(in.Verifiers.Pods, in.Signers.Pods), func(p Pod) bool {
		return slices.Contains(p.Trusts, version) || slices.Contains(p.Trusts, -version)
	})
}

// offered returns the source's value if it can become a key.
func (in Inputs) offered() Value {
	if !in.Policy.ExternallySourced || !Portable(in.Source) {
		return ""
	}
	return in.Source
}

// Action says which transition a step took.
type Action string

// The transitions of Next.
const (
	ActionNone    Action = ""
	ActionCreate  Action = "Created"
	ActionAdopt   Action = "Adopted"
	ActionRecover Action = "Recovered"
	ActionRevoke  Action = "Revoked"
	ActionDemote  Action = "Demoted"
	ActionPromote Action = "Promoted"
	ActionPublish Action = "Published"
	ActionCorrect Action = "Corrected"
)

// Phase is a stage of a rotation.
type Phase string

// The phases of a rotation.
const (
	// PhaseStable: one key is in use.
	PhaseStable Phase = "Stable"
	// PhasePublishing: every pod loads the new key before a frontend signs with it.
	PhasePublishing Phase = "Publishing"
	// PhasePromoting: the new key signs, and pods that may sign with another key are being replaced.
	PhasePromoting Phase = "Promoting"
	// PhaseDraining: tokens signed with a replaced key are still accepted until they expire.
	PhaseDraining Phase = "Draining"
)

// Step is the outcome of Next.
type Step struct {
	// Ring must be stored before anything is written that follows from it. It differs from the given ring if and only if Action
	// is set.
	Ring Ring
	// Action is the transition taken, and Versions lists the keys that it changed.
	Action   Action
	Versions []int64
	// Phase is the phase of the rotation after the transition.
	Phase Phase
	// Waiting lists the sorted names of the pods, workloads and Secrets that delay the rotation.
	Waiting []string
	// Lost lists the versions that live pods hold and that neither the keyring nor the projections have.
	Lost []int64
	// RevocationDue says that the policy revokes keys that are not revoked yet.
	RevocationDue bool
	// RevocationUnproven says that the ring was rebuilt from Secrets that do not prove that the policy's revocation was carried
	// out.
	RevocationUnproven bool
	// Deferred says that another rotation is due and waits for the keys of earlier ones: signers still use one, or too many are
	// trusted.
	Deferred bool
	// Held says that a rotation would begin now if the inputs did not hold it.
	Held bool
	// NextRotation is when the schedule replaces the active key; zero for never.
	NextRotation time.Time
	// DueIn is the time until the next change that needs nothing but time; zero for never. After a transition it is as short as
	// possible, because another transition may follow.
	DueIn time.Duration
}

// Generate returns a key of 43 characters, made of 32 random bytes, that every encoding can carry.
func Generate(random [32]byte) Value {
	return Value(base64.RawURLEncoding.EncodeToString(random[:]))
}
