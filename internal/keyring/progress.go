package keyring

import (
	"slices"
	"time"
)

// published returns the key that is on its way in; there is never more than one.
func (r Ring) published() (Key, bool) {
	i := slices.IndexFunc(r.Keys, func(k Key) bool { return k.PromotedAt.IsZero() && k.RevokedAt.IsZero() })
	if i < 0 {
		return Key{}, false
	}
	return r.Keys[i], true
}

// undrained lists the replaced keys that some signer may still use.
func (r Ring) undrained() []Key {
	active, _ := r.Active()
	var keys []Key
	for _, k := range r.Keys {
		if k.Version != active.Version && !k.PromotedAt.IsZero() && k.DemotedAt.IsZero() && k.RevokedAt.IsZero() {
			keys = append(keys, k)
		}
	}
	return keys
}

func (r Ring) revoked() []Key {
	return slices.DeleteFunc(slices.Clone(r.Keys), func(k Key) bool { return k.RevokedAt.IsZero() })
}

func (r Ring) holds(value Value) bool {
	return slices.ContainsFunc(r.Keys, func(k Key) bool { return k.Value == value })
}

func (r Ring) versions() []int64 {
	versions := make([]int64, len(r.Keys))
	for i, k := range r.Keys {
		versions[i] = k.Version
	}
	return versions
}

// untrusting names what must learn the published key before it may sign. Signers count too:
// a frontend that does not know the key cannot read the sessions that another signs with it.
func (r Ring) untrusting(in Inputs) []string {
	published, ok := r.published()
	if !ok {
		return nil
	}
	return append(in.Verifiers.withoutTrust(published.Version), in.Signers.withoutTrust(published.Version)...)
}

// signing names the signers that may still use a key.
func (r Ring) signing(k Key, in Inputs) []string {
	return in.Signers.holding(func(p Pod) bool { return p.Signs != 0 && p.Signs != k.Version })
}

// believing names what may still accept or use a revoked key.
func (r Ring) believing(in Inputs) []string {
	var names []string
	for _, k := range r.revoked() {
		names = append(names, in.Verifiers.holding(func(p Pod) bool { return !slices.Contains(p.Trusts, k.Version) })...)
		names = append(names, r.signing(k, in)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// progress derives the phase and what holds it from the ring and the live pods alone.
func (r Ring) progress(in Inputs) (Phase, []string) {
	if _, ok := r.published(); ok {
		return PhasePublishing, r.untrusting(in)
	}
	waiting := r.believing(in)
	for _, k := range r.undrained() {
		waiting = append(waiting, r.signing(k, in)...)
	}
	slices.Sort(waiting)
	waiting = slices.Compact(waiting)
	switch {
	case len(r.undrained()) > 0 || len(waiting) > 0:
		return PhasePromoting, waiting
	case len(r.Trusted(in.Now, in.Policy.Validity())) > 1:
		return PhaseDraining, nil
	default:
		return PhaseStable, nil
	}
}

// scheduled is when the active key has reached the age at which it is replaced; zero for never.
func (r Ring) scheduled(p Policy) time.Time {
	active, ok := r.Active()
	if !ok || p.Interval == 0 || p.Sourced {
		return time.Time{}
	}
	return active.CreatedAt.Add(p.Interval)
}

// handoverEnd is when an unseen frontend must have taken up the active key.
func (r Ring) handoverEnd(p Policy) time.Time {
	active, _ := r.Active()
	return active.PromotedAt.Add(p.HandoverPeriod)
}

// deadlines are the moments at which time alone may change the ring or a projection.
func (r Ring) deadlines(in Inputs, step Step) []time.Time {
	p := in.Policy
	moments := []time.Time{step.NextRotation, p.RotateAfter, p.RevokeBefore}
	if in.Signers.Unseen {
		moments = append(moments, r.handoverEnd(p))
	}
	for _, k := range r.Keys {
		if !k.DemotedAt.IsZero() {
			moments = append(moments, k.DemotedAt.Add(p.Validity()), k.DemotedAt.Add(p.SessionLifetime))
		}
	}
	return moments
}
