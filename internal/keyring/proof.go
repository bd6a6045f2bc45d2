package keyring

import "time"

// If a ring is lost, or replaced by an older one, the moments at which its keys were created are lost. Whether a key was created
// before the moment of a revocation is then unknown, so the Secrets record the last revocation that was carried out.
//
// Without that record a rebuilt key is not revoked: Secrets of earlier releases have none, and the owner of such an app would
// otherwise lose every session because a keyring was lost long after the revocation. The revocation counts as pending instead,
// until the owner sets a later moment or removes it.

// proof returns the last moment of revocation that was carried out before each list of the two Secrets was written.
func (r Recovery) proof() time.Time {
	switch {
	case len(r.Backend[EntrySecrets]) == 0:
		return r.FrontendProof
	case len(r.Frontend[EntrySecrets]) == 0 || r.BackendProof.Before(r.FrontendProof):
		return r.BackendProof
	default:
		return r.FrontendProof
	}
}

// frontendAlone returns a recovery without the backend's Secret.
func (r Recovery) frontendAlone() Recovery {
	return Recovery{Frontend: r.Frontend, FrontendProof: r.FrontendProof}
}

// backendAlone returns a recovery without the frontend's Secret.
func (r Recovery) backendAlone() Recovery {
	return Recovery{Backend: r.Backend, BackendProof: r.BackendProof}
}

// reread marks the keys of a ring that was read from the Secrets as rebuilt.
func (in Inputs) reread(ring Ring, proof time.Time) Ring {
	for i, k := range ring.Keys {
		k.Rebuilt, k.Proven = true, proof
		ring.Keys[i] = in.stamped(k)
	}
	return ring
}

// doubtful reports whether the ring may hold a key that a revocation should have revoked. A moment after the key was rebuilt is
// not in doubt: the key is older, and is revoked.
func (r Ring) doubtful(moment time.Time) bool {
	for _, k := range r.Keys {
		if k.Rebuilt && k.RevokedAt.IsZero() && moment.After(k.Proven) && !k.CreatedAt.Before(moment) {
			return true
		}
	}
	return false
}

// revokedBefore returns the last moment of revocation that has been carried out on the ring; zero for none. If the policy no
// longer has the moment, the keys still have it.
func (r Ring) revokedBefore(now time.Time, p Policy) time.Time {
	in := Inputs{Now: now, Policy: p}
	var moments []time.Time
	if len(r.revocable(in)) == 0 {
		moments = append(moments, in.reached(p.RevokeBefore))
	}
	for _, k := range r.Keys {
		moments = append(moments, k.Proven, k.RevokeBefore)
	}
	var last time.Time
	for _, moment := range moments {
		if moment.After(last) && !r.doubtful(moment) {
			last = moment
		}
	}
	return last
}
