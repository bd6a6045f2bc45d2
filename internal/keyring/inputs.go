package keyring

import (
	"encoding/base64"
	"slices"
	"time"
)

// Policy is what the owner of an app asks of its keys.
type Policy struct {
	// Interval is the age at which the active key is replaced, an app's own spread included; zero means never by itself.
	Interval time.Duration
	// RotateAfter asks for an active key created at or after this moment, once it has come; zero asks for nothing.
	RotateAfter time.Time
	// RevokeBefore takes all trust from every key created before this moment, once it has come; zero takes none.
	RevokeBefore time.Time
	// KeepRevoked leaves revoked keys with the frontend so that what was stored under them stays readable.
	KeepRevoked bool
	// MaxLifetime is the longest life of a token that the API accepts, Leeway its tolerance for clocks.
	MaxLifetime, Leeway time.Duration
	// SessionLifetime is how long a session cookie signed with a demoted key may be carried over.
	SessionLifetime time.Duration
	// HandoverPeriod is how long a frontend that cannot be seen may go on signing with the key before.
	HandoverPeriod time.Duration
	// HistoryLimit is how many archived and revoked keys are kept when a rotation begins.
	HistoryLimit int
	// ExternallySourced says that values come from an external store and are not generated,
	// but for the successor of a revoked key while the store holds nothing new.
	ExternallySourced bool
}

// Validity is how long a key must be trusted after its last signer has gone.
func (p Policy) Validity() time.Duration { return p.MaxLifetime + p.Leeway }

// Pod is what one live pod of an app is known to do with keys; what is not known holds a rotation.
type Pod struct {
	Name string
	// Trusts are the versions that the pod is known to have; empty when that is not known.
	Trusts []int64
	// Signs is the only version that the pod can sign with; zero when that is not known.
	Signs int64
}

// Fleet is one side of an app.
type Fleet struct {
	// Pods are all live pods, terminating ones included, and whatever may start one at any moment.
	Pods []Pod
	// ExternallyManaged says that the side runs where its pods cannot be listed.
	ExternallyManaged bool
	// WrittenAt is when the Secret of an unseen side took the active key, or any moment since: the side cannot have taken
	// the key up before. Zero when that is not known; then the promotion counts.
	WrittenAt time.Time
}

// holding names what keeps a fleet from being known to do what ok says.
func (f Fleet) holding(ok func(Pod) bool) []string {
	var names []string
	for _, p := range f.Pods {
		if !ok(p) {
			names = append(names, p.Name)
		}
	}
	return names
}

// withoutTrust names what is not known to have a key yet.
func (f Fleet) withoutTrust(version int64) []string {
	return f.holding(func(p Pod) bool { return slices.Contains(p.Trusts, version) })
}

// Inputs is everything a transition depends on besides the ring itself.
type Inputs struct {
	// Now is read after the pods were listed: what a pod that has gone by then signed, it signed before.
	Now    time.Time
	Policy Policy
	// Verifiers and Signers are the live backends and frontends.
	Verifiers, Signers Fleet
	// Recovery are the Secrets of both sides as they were found. Without a ring they are what it is rebuilt from; with one
	// they hold a rotation until they carry its projections, because a pod that starts takes up what they hold.
	// They must be read before the ring is: a writer that is behind must not find them as it left them.
	Recovery Recovery
	// Projected are those of them that the operator wrote, as far as is known. If they hold keys that the ring does not, the ring
	// was restored from a backup.
	Projected Recovery
	// Source is the external store's present value; empty when it has none. Once there is a ring, a value that is not
	// Portable counts as none.
	Source Value
	// Fresh generates a value; it is called at most once.
	Fresh func() Value
}

// known reports whether a live pod has a key of a version.
func (in Inputs) known(version int64) bool {
	return slices.ContainsFunc(slices.Concat(in.Verifiers.Pods, in.Signers.Pods), func(p Pod) bool {
		return slices.Contains(p.Trusts, version) || slices.Contains(p.Trusts, -version)
	})
}

// offered is the source's value if it is one that could become a key.
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

// Phase is where a rotation stands.
type Phase string

// The phases of a rotation.
const (
	// PhaseStable: one key is in use.
	PhaseStable Phase = "Stable"
	// PhasePublishing: every pod is to learn a new key before anyone signs with it.
	PhasePublishing Phase = "Publishing"
	// PhasePromoting: the new key signs; pods that may sign with another are on their way out.
	PhasePromoting Phase = "Promoting"
	// PhaseDraining: tokens signed with a replaced key are still accepted until they expire.
	PhaseDraining Phase = "Draining"
)

// Step is the outcome of Next.
type Step struct {
	// Ring must be stored before anything that follows from it; it differs from the given one exactly when Action is set.
	Ring Ring
	// Action is the transition taken, Versions the keys that it was about.
	Action   Action
	Versions []int64
	// Phase is where the rotation stands after it.
	Phase Phase
	// Waiting names the pods, workloads and Secrets that hold the rotation, sorted.
	Waiting []string
	// Lost are the versions that live pods hold and that are lost with a later keyring and its projections.
	Lost []int64
	// RevocationDue says that the policy revokes keys that are not revoked yet.
	RevocationDue bool
	// Deferred says that a further rotation is due and waits for the one before, whose keys are still of use.
	Deferred bool
	// NextRotation is when the schedule replaces the active key; zero for never by itself.
	NextRotation time.Time
	// DueIn is how long until time alone changes something, at once after a transition (another may follow it);
	// zero for never.
	DueIn time.Duration
}

// Mint turns 32 random bytes into a key of 43 characters that every encoding can carry.
func Mint(random [32]byte) Value {
	return Value(base64.RawURLEncoding.EncodeToString(random[:]))
}
