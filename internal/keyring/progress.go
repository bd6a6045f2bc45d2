package keyring

import (
	"slices"
	"time"
)

// published returns the key that is published and does not sign yet. There is never more than one.
func (r Ring) published() (Key, bool) {
	i := slices.IndexFunc(r.Keys, func(k Key) bool { return k.PromotedAt.IsZero() && k.RevokedAt.IsZero() })
	if i < 0 {
		return Key{}, false
	}
	return r.Keys[i], true
}

// undrained returns the replaced keys that a signer may still use.
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

// BackendProjection and FrontendProjection are the names of the components' Secrets in Step.Waiting.
const (
	BackendProjection  = "the backend's Secret"
	FrontendProjection = "the frontend's Secret"
)

// unprojected returns the names of the Secrets that do not match the ring. A pod that starts now may load other keys from them.
func (r Ring) unprojected(in Inputs) []string {
	var names []string
	if string(in.Recovery.Backend[EntrySecrets]) != r.Backend(in.Now, in.Policy).Data[EntrySecrets] {
		names = append(names, BackendProjection)
	}
	if string(in.Recovery.Frontend[EntrySecrets]) != r.Frontend(in.Now, in.Policy).Data[EntrySecrets] {
		names = append(names, FrontendProjection)
	}
	return names
}

// untrusting returns the names of the pods and Secrets that must have the published key before it may sign. Frontends count too:
// without the key a frontend cannot read the sessions that another frontend signs with it.
func (r Ring) untrusting(in Inputs) []string {
	published, ok := r.published()
	if !ok {
		return nil
	}
	names := append(r.unprojected(in), in.Verifiers.withoutTrust(published.Version)...)
	return append(names, in.Signers.withoutTrust(published.Version)...)
}

// signing returns the names of the pods and Secrets that may still lead to a signature with a key.
func (r Ring) signing(k Key, in Inputs) []string {
	names := in.Signers.failing(func(p Pod) bool { return p.Signs != 0 && p.Signs != k.Version })
	return append(names, r.unprojected(in)...)
}

// stillTrustingRevoked returns the names of the pods and Secrets that may still use a revoked key. A pod counts until it has
// confirmed the active key.
func (r Ring) stillTrustingRevoked(in Inputs) []string {
	active, _ := r.Active()
	var names []string
	for _, k := range r.Keys {
		if k.RevokedAt.IsZero() {
			continue
		}
		knows := func(p Pod) bool {
			return slices.Contains(p.Trusts, active.Version) && !slices.Contains(p.Trusts, k.Version)
		}
		names = append(names, in.Verifiers.failing(knows)...)
		names = append(names, in.Signers.failing(knows)...)
		names = append(names, r.signing(k, in)...)
	}
	return names
}

// progress derives from the ring and the live pods the phase of a rotation and the names of what delays it.
func (r Ring) progress(in Inputs) (Phase, []string) {
	waiting := append(r.stillTrustingRevoked(in), r.untrusting(in)...)
	for _, k := range r.undrained() {
		waiting = append(waiting, r.signing(k, in)...)
	}
	slices.Sort(waiting)
	waiting = slices.Compact(waiting)
	_, publishing := r.published()
	switch {
	case publishing:
		return PhasePublishing, waiting
	case len(r.undrained()) > 0 || len(waiting) > 0 || in.Now.Before(r.revocationEnd(in)):
		return PhasePromoting, waiting
	case len(r.Trusted(in.Now, in.Policy.Validity())) > 1:
		return PhaseDraining, nil
	default:
		return PhaseStable, nil
	}
}

// scheduled returns when the schedule replaces the active key; zero for never.
func (r Ring) scheduled(p Policy) time.Time {
	active, ok := r.Active()
	if !ok || p.Interval == 0 || p.ExternallySourced {
		return time.Time{}
	}
	return active.CreatedAt.Add(p.Interval)
}

// handoverEnd returns when an externally managed frontend must have loaded the active key.
func (r Ring) handoverEnd(in Inputs) time.Time {
	active, _ := r.Active()
	start := in.dated(active.PromotedAt)
	if in.Signers.WrittenAt.After(start) {
		start = in.Signers.WrittenAt
	}
	return start.Add(in.Policy.HandoverPeriod)
}

// dated returns a moment of the ring, or, if it lies ahead because a clock was ahead, when the frontend's Secret was written by
// the clock of the API server.
func (in Inputs) dated(moment time.Time) time.Time {
	if moment.After(in.Now) && !in.Signers.WrittenAt.IsZero() {
		return in.Signers.WrittenAt
	}
	return moment
}

// revocationEnd returns when an externally managed frontend must have dropped the revoked keys; zero if there is nothing to drop.
func (r Ring) revocationEnd(in Inputs) time.Time {
	var end time.Time
	active, _ := r.Active()
	for _, k := range r.Keys {
		if k.RevokedAt.IsZero() || !in.Signers.ExternallyManaged {
			continue
		}
		start := in.dated(k.RevokedAt)
		if written := in.Signers.WrittenAt; written.After(start) && !active.PromotedAt.After(k.RevokedAt) {
			start = written
		}
		if last := start.Add(in.Policy.HandoverPeriod); last.After(end) {
			end = last
		}
	}
	return end
}

// deadlines returns the moments at which the ring or a projection may change without any other event.
func (r Ring) deadlines(in Inputs, step Step) []time.Time {
	p := in.Policy
	moments := []time.Time{step.NextRotation, p.RotateAfter, p.RevokeBefore}
	if in.Signers.ExternallyManaged {
		moments = append(moments, r.handoverEnd(in), r.revocationEnd(in))
	}
	for _, k := range r.Keys {
		if !k.DemotedAt.IsZero() && k.RevokedAt.IsZero() {
			moments = append(moments, k.DemotedAt.Add(p.Validity()), k.DemotedAt.Add(p.SessionLifetime))
		}
	}
	return moments
}
