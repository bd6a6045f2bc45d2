package keyring

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// transition is one kind of step.
type transition struct {
	action Action
	// take returns the ring after the step and the versions that it changed. If the step is not due, it returns no versions.
	take func(Ring, Inputs) (Ring, []int64)
}

// transitions lists the steps by precedence. A ring that is older than the projections is first brought up to them. Then
// revocation comes first, and what starts a rotation comes last.
var transitions = []transition{
	{ActionRecover, catchUp},
	{ActionRevoke, revoke},
	{ActionDemote, demote},
	{ActionPromote, promote},
	{ActionPublish, publish},
	{ActionCorrect, correct},
}

// Next decides which transition the ring takes now, if any: begin a ring, revoke keys, or publish, promote or demote a key of a
// rotation. It writes nothing. An error is of a kind in recovery.go, and means that the owner of the app must decide first.
func Next(ring Ring, in Inputs) (Step, error) {
	step, err := advance(ring, in)
	if err != nil {
		return Step{Ring: ring}, err
	}
	taken := step
	step = CurrentStep(taken.Ring, in)
	step.Action, step.Versions = taken.Action, taken.Versions
	step.Lost = taken.Ring.lost(in, ring.highest())
	if step.Action != ActionNone {
		step.DueIn = time.Nanosecond
	}
	return step, nil
}

// CurrentStep returns the step for a ring without taking a transition.
func CurrentStep(ring Ring, in Inputs) Step {
	step := Step{Ring: ring, NextRotation: ring.scheduled(in.Policy)}
	step.Phase, step.Waiting = ring.progress(in)
	step.Lost = ring.lost(in, ring.highest())
	step.RevocationDue = len(ring.revocable(in)) > 0
	step.RevocationUnproven = ring.doubtful(in.reached(in.Policy.RevokeBefore))
	_, due := ring.due(in)
	_, ready := ring.ready(in)
	step.Held = ready && in.HoldRotation
	step.Deferred = due && !ready && step.Phase != PhasePublishing
	step.DueIn = dueIn(in.Now, ring.deadlines(in, step))
	return step
}

func advance(ring Ring, in Inputs) (Step, error) {
	if ring.Empty() {
		return begin(in)
	}
	for _, t := range transitions {
		if after, versions := t.take(ring, in); len(versions) > 0 {
			return Step{Ring: after, Action: t.action, Versions: versions}, nil
		}
	}
	return Step{Ring: ring}, nil
}

// begin makes the first ring of an app from the keys in its Secrets, else from its source, else from a generated key.
func begin(in Inputs) (Step, error) {
	ring, action, err := in.Recovery.ring(in)
	if err != nil {
		return Step{}, err
	}
	if ring.Empty() {
		value, err := firstValue(in)
		if err != nil {
			return Step{}, err
		}
		first := ring.newKey(in, value)
		first.PromotedAt = in.Now
		action, ring = ActionCreate, ring.with(first)
	}
	return Step{Ring: ring, Action: action, Versions: ring.versions()}, nil
}

func firstValue(in Inputs) (Value, error) {
	switch {
	case !in.Policy.ExternallySourced:
		return in.Fresh(), nil
	case in.Source == "":
		return "", ErrSourceMissing
	case !Portable(in.Source):
		return "", fmt.Errorf("%w: it has a comma, a line break or surrounding space, or is not text", ErrUnusable)
	default:
		return in.Source, nil
	}
}

// revoke revokes the keys created before the policy's moment, once it has come, and gives the app another active key in the same
// step.
func revoke(ring Ring, in Inputs) (Ring, []int64) {
	if in.Policy.RevokeBefore.IsZero() || in.Now.Before(in.Policy.RevokeBefore) {
		return ring, nil
	}
	var revoked []int64
	for _, k := range ring.revocable(in) {
		k.RevokedAt = in.Now
		ring, revoked = ring.with(k), append(revoked, k.Version)
	}
	if _, ok := ring.Active(); !ok {
		ring = ring.with(ring.successor(in))
	}
	return ring, revoked
}

// revocable returns the keys that the policy revokes now and that are not revoked yet. A key is never newer than one of a higher
// version, even if a clock went back and its CreatedAt is later.
func (r Ring) revocable(in Inputs) []Key {
	old := 0
	for i, k := range r.Keys {
		if in.madeBefore(k, in.Policy.RevokeBefore, k.RevokeBefore) {
			old = i + 1
		}
	}
	return slices.DeleteFunc(slices.Clone(r.Keys[:old]), func(k Key) bool { return !k.RevokedAt.IsZero() })
}

// successor returns the key that becomes active in the step of a revocation: the published one if it is not revoked, else a new
// one.
func (r Ring) successor(in Inputs) Key {
	if published, ok := r.published(); ok {
		published.PromotedAt = in.Now
		return published
	}
	value := in.offered()
	if value == "" || r.holds(value) {
		value = in.Fresh()
	}
	successor := r.newKey(in, value)
	successor.PromotedAt = in.Now
	return successor
}

// demote starts the retirement of a replaced key once no live signer can still use it.
func demote(ring Ring, in Inputs) (Ring, []int64) {
	var demoted []int64
	for _, k := range ring.undrained() {
		if in.Signers.ExternallyManaged && in.Now.Before(ring.handoverEnd(in)) || len(ring.signing(k, in)) > 0 {
			continue
		}
		k.DemotedAt = in.Now
		ring, demoted = ring.with(k), append(demoted, k.Version)
	}
	return ring, demoted
}

// promote makes the published key sign once every live pod trusts it.
func promote(ring Ring, in Inputs) (Ring, []int64) {
	published, ok := ring.published()
	if !ok || len(ring.untrusting(in)) > 0 {
		return ring, nil
	}
	published.PromotedAt = in.Now
	return ring.with(published), []int64{published.Version}
}

// publish begins a rotation that can begin, unless the inputs hold it.
func publish(ring Ring, in Inputs) (Ring, []int64) {
	value, ready := ring.ready(in)
	if !ready || in.HoldRotation {
		return ring, nil
	}
	if value == "" {
		value = in.Fresh()
	}
	key := ring.newKey(in, value)
	return ring.with(key).pruned(in), []int64{key.Version}
}

// ready reports whether a rotation is due and the keys of the previous one no longer prevent it. It returns the value of due.
func (r Ring) ready(in Inputs) (Value, bool) {
	value, due := r.due(in)
	_, publishing := r.published()
	full := len(r.Trusted(in.Now, in.Policy.Validity())) >= maxTrusted
	return value, due && !publishing && !full && len(r.undrained()) == 0
}

// due reports whether a rotation should begin, and returns the value of its key. The value is empty if it is still to be
// generated.
func (r Ring) due(in Inputs) (Value, bool) {
	if in.Policy.ExternallySourced {
		value := in.offered()
		return value, value != "" && !r.holds(value)
	}
	active, _ := r.Active()
	asked := in.madeBefore(active, in.Policy.RotateAfter, active.RotateAfter)
	scheduled := r.scheduled(in.Policy)
	return "", asked || !scheduled.IsZero() && !in.Now.Before(scheduled)
}

// pruned drops the oldest keys beyond the history limit. With a source it keeps the keys that the source offers now, and those
// that were revoked, or may have been in a ring that was rebuilt: without them an old value of the source would count as new.
func (r Ring) pruned(in Inputs) Ring {
	past := r.inState(in.Now, in.Policy.Validity(), Archived, Revoked)
	slices.SortFunc(past, func(a, b Key) int { return cmp.Compare(b.Version, a.Version) })
	drop := past[min(len(past), in.Policy.HistoryLimit):]
	keys := slices.DeleteFunc(slices.Clone(r.Keys), func(k Key) bool {
		distrusted := !k.RevokedAt.IsZero() || k.DemotedAt.Equal(longAgo)
		known := in.Policy.ExternallySourced && (k.Value == in.Source || distrusted)
		return !known && slices.ContainsFunc(drop, func(d Key) bool { return d.Version == k.Version })
	})
	return Ring{Keys: keys}
}

// dueIn returns the time until the next deadline; zero if there is none.
func dueIn(now time.Time, deadlines []time.Time) time.Duration {
	var due time.Duration
	for _, d := range deadlines {
		if wait := d.Sub(now); wait > 0 && (due == 0 || wait < due) {
			due = wait
		}
	}
	return due
}
