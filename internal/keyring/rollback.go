package keyring

import "slices"

// maxAhead bounds how far a version that a pod or a Secret holds may be ahead of the ring's. A greater one is not believed.
const maxAhead = 1000

// nextVersion returns the version of the next key: greater than any that the ring, a live pod or a Secret holds. A ring that was
// restored from a backup does not know the versions that were given out after it.
func (r Ring) nextVersion(in Inputs) int64 {
	next := r.highest() + 1
	for _, v := range in.heldVersions() {
		if v <= r.highest()+maxAhead {
			next = max(next, v+1)
		}
	}
	return next
}

// heldVersions lists the versions that live pods and the two Secrets hold.
func (in Inputs) heldVersions() []int64 {
	var versions []int64
	for _, pod := range slices.Concat(in.Verifiers.Pods, in.Signers.Pods) {
		for _, v := range pod.Trusts {
			versions = append(versions, max(v, -v))
		}
	}
	for _, data := range []map[string][]byte{in.Projected.Frontend, in.Projected.Backend} {
		entries, err := ParseList(string(data[EntrySecrets]))
		if err != nil {
			continue
		}
		for _, e := range entries {
			versions = append(versions, e.Version)
		}
	}
	return versions
}

// lost lists the versions that live pods hold and that the ring does not know. They are later than the highest that the stored
// ring knows: it was restored from a backup, or is gone. Earlier ones were dropped from the ring.
func (r Ring) lost(in Inputs, highest int64) []int64 {
	var versions []int64
	for _, pod := range slices.Concat(in.Verifiers.Pods, in.Signers.Pods) {
		for _, v := range pod.Trusts {
			if v = max(v, -v); v > highest && !slices.Contains(r.versions(), v) {
				versions = append(versions, v)
			}
		}
	}
	slices.Sort(versions)
	return slices.Compact(versions)
}

// catchUp merges the projections into a ring that is older than they are. The operator stores a ring before it writes the
// projections, so a ring is older only if it was restored from a backup.
func catchUp(ring Ring, in Inputs) (Ring, []int64) {
	for _, found := range []Recovery{in.Projected, in.Projected.frontendAlone(), in.Projected.backendAlone()} {
		newer, action, whole, err := found.joined(in.Now)
		if err != nil {
			continue // if one Secret is unreadable or they differ, try each alone
		}
		listed := len(found.Frontend[EntrySecrets]) > 0
		if action != ActionRecover || !ring.olderThan(newer, listed, whole) {
			return ring, nil
		}
		merged := ring.merged(in.reread(newer, found.proof()), listed, in)
		if merged.sound() != nil {
			return ring, nil
		}
		merged = merged.guarded(in, whole)
		return merged, merged.versions()
	}
	return ring, nil
}

// olderThan reports whether a newer ring has keys or transitions that this one lacks, and no version has two values. The argument
// listed says that the frontend's list is in the newer ring, and whole that both lists are.
func (r Ring) olderThan(newer Ring, listed, whole bool) bool {
	for _, k := range r.Keys {
		if n, ok := newer.key(k.Version); ok && n.Value != k.Value {
			return false
		}
	}
	before, _ := r.Active()
	after, _ := newer.Active()
	return after.Version > before.Version ||
		after.Version == before.Version && (newer.highest() > r.highest() || r.distrusts(newer, listed, whole))
}

// distrusts reports whether a newer ring with the same active key no longer uses an earlier key that this ring uses. The frontend
// lists every key that is not revoked, and the backend every key that was not demoted.
func (r Ring) distrusts(newer Ring, listed, whole bool) bool {
	active, _ := r.Active()
	return slices.ContainsFunc(r.Keys, func(k Key) bool {
		if k.Version > active.Version || !k.RevokedAt.IsZero() || k.DemotedAt.Equal(longAgo) {
			return false
		}
		n, ok := newer.key(k.Version)
		return !ok && listed || whole && k.DemotedAt.IsZero() && n.DemotedAt.Equal(longAgo)
	})
}

// merged returns the newer ring, which was read from projections, with the moments that the older one has of its keys. A key that
// is in no projection was revoked or dropped, so it is no longer trusted. If the frontend's list is lost, it may also have retired.
func (r Ring) merged(newer Ring, listed bool, in Inputs) Ring {
	active, _ := newer.Active()
	for _, k := range r.Keys {
		n, ok := newer.key(k.Version)
		switch {
		case ok:
			newer = newer.with(k.updated(n))
		case !k.RevokedAt.IsZero():
			newer = newer.with(k)
		case listed || k.PromotedAt.IsZero() || k.Version > active.Version:
			k.RevokedAt = in.Now
			newer = newer.with(k)
		default:
			k.DemotedAt = longAgo
			newer = newer.with(k)
		}
	}
	return newer
}

// updated returns an older record of a key with the state of a newer one.
func (k Key) updated(newer Key) Key {
	k.Adopted = k.Adopted || newer.Adopted
	if k.PromotedAt.IsZero() || newer.PromotedAt.IsZero() {
		k.PromotedAt = newer.PromotedAt
	}
	if k.DemotedAt.IsZero() || !newer.DemotedAt.IsZero() {
		k.DemotedAt = newer.DemotedAt
	}
	return k
}

// Contradicts reports whether a Secret holds a key that this ring never had: another value for a version, a later version, or a
// single value that its own list lacks. A stale Secret holds keys of the ring, or older keys that were dropped from it.
func (r Ring) Contradicts(data map[string][]byte) bool {
	single, list := Value(data[EntrySecret]), string(data[EntrySecrets])
	if list == "" {
		return single != "" && !r.holds(single)
	}
	entries, err := ParseList(list)
	if err != nil {
		return true
	}
	return !slices.ContainsFunc(entries, func(e Entry) bool { return single == "" || e.Value == single }) ||
		slices.ContainsFunc(entries, func(e Entry) bool {
			k, known := r.key(e.Version)
			return e.Version > r.highest() || known && k.Value != e.Value
		})
}

// key returns the key of a version.
func (r Ring) key(version int64) (Key, bool) {
	i := slices.IndexFunc(r.Keys, func(k Key) bool { return k.Version == version })
	if i < 0 {
		return Key{}, false
	}
	return r.Keys[i], true
}

// guarded returns a rebuilt ring that neither trusts a key that may have been revoked, nor reuses a version that may have been
// given out by the lost ring. The argument whole says that both projections had a list.
func (r Ring) guarded(in Inputs, whole bool) Ring {
	r = r.revokeOffered(in)
	if !whole || in.known(r.highest()+1) || in.known(r.highest()+2) {
		r = r.reserveVersions(in)
	}
	return r
}

// revokeOffered adds the source's value as a revoked key if a rebuilt ring does not hold it and its revocation may have been lost
// with the ring. That is possible if keys have been revoked and the versions have a gap for it.
func (r Ring) revokeOffered(in Inputs) Ring {
	value, moment := in.offered(), in.Policy.RevokeBefore
	if value == "" || r.holds(value) || moment.IsZero() || in.Now.Before(moment) {
		return r
	}
	active, _ := r.Active()
	gap := active.Version - 1
	for gap > 0 && slices.Contains(r.versions(), gap) {
		gap--
	}
	if gap == 0 {
		return r
	}
	return r.with(in.stamped(Key{Version: gap, Value: value, CreatedAt: in.Now, RevokedAt: in.Now}))
}

// reserveVersions skips the next two versions by adding a revoked placeholder. If a list was lost together with the ring, it may
// have held a published key and its replacement that pods still use. If the list has been written again since, and the ring is
// lost again, those pods show their versions.
func (r Ring) reserveVersions(in Inputs) Ring {
	return r.with(in.stamped(Key{Version: r.highest() + 2, Value: in.Fresh(), CreatedAt: in.Now, RevokedAt: in.Now}))
}
