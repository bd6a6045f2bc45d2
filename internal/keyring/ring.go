package keyring

import (
	"cmp"
	"slices"
	"time"
)

// Key is one shared secret and the moments that decide its state; a zero moment has not come yet.
type Key struct {
	// Version is the kid of the tokens signed with the key: positive, strictly increasing per app, never reused.
	Version int64
	Value   Value
	// Adopted marks a key that was in use before there was a list: ciphertext from then carries no version.
	Adopted bool
	// CreatedAt is when the key entered the ring.
	CreatedAt time.Time
	// RotateAfter and RevokeBefore are those of the policy that had come when the key was made; zero for none. They tell that
	// a moment has been acted on even if CreatedAt is wrong, because a clock was ahead or has gone back.
	RotateAfter, RevokeBefore time.Time
	// PromotedAt is when it became the one that signs.
	PromotedAt time.Time
	// DemotedAt is when the last signer that could use it was seen gone.
	DemotedAt time.Time
	// RevokedAt is when it lost all trust at once.
	RevokedAt time.Time
}

// Ring is every key of one app that is still of use, by ascending version. The zero value is an app without keys.
type Ring struct {
	Keys []Key
}

// State is what a key may be used for at one moment.
type State string

const (
	// Published: verifiers and frontends learn the key; nobody signs with it.
	Published State = "Published"
	// Active: frontends sign with it.
	Active State = "Active"
	// Retiring: no longer to be signed with, still trusted until the last token signed with it has expired.
	Retiring State = "Retiring"
	// Archived: no longer trusted; the frontend keeps it to decrypt what was stored under it.
	Archived State = "Archived"
	// Revoked: trusted by nobody.
	Revoked State = "Revoked"
)

// maxTrusted is how many keys the API trusts at the most: the active one, and two more on their way in or out.
const maxTrusted = 3

// Empty reports whether the app has no keys yet.
func (r Ring) Empty() bool { return len(r.Keys) == 0 }

// Active returns the key that signs: of the promoted and not revoked the one with the highest version.
// Every ring but the zero value has one.
func (r Ring) Active() (Key, bool) {
	for _, k := range slices.Backward(r.Keys) {
		if !k.PromotedAt.IsZero() && k.RevokedAt.IsZero() {
			return k, true
		}
	}
	return Key{}, false
}

// State returns the state of the ring's key k at a moment. A demoted key is trusted for another validity:
// the longest life of a token and the tolerance for clocks.
func (r Ring) State(k Key, now time.Time, validity time.Duration) State {
	active, _ := r.Active()
	switch {
	case !k.RevokedAt.IsZero():
		return Revoked
	case k.Version == active.Version:
		return Active
	case k.PromotedAt.IsZero():
		return Published
	case k.DemotedAt.IsZero() || now.Before(k.DemotedAt.Add(validity)):
		return Retiring
	default:
		return Archived
	}
}

// Trusted lists the keys whose tokens the API accepts, the active one first, then by falling version.
// There are never more than three, also when the validity is made longer after keys have retired.
func (r Ring) Trusted(now time.Time, validity time.Duration) []Key {
	keys := r.inState(now, validity, Active, Published, Retiring)
	return keys[:min(len(keys), maxTrusted)]
}

// inState lists the keys in the given states, state by state, each by falling version.
func (r Ring) inState(now time.Time, validity time.Duration, states ...State) []Key {
	var keys []Key
	for _, state := range states {
		for _, k := range slices.Backward(r.Keys) {
			if r.State(k, now, validity) == state {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// with returns the ring with k in place of the key of its version, or added; r itself stays as it is.
func (r Ring) with(k Key) Ring {
	keys := slices.DeleteFunc(slices.Clone(r.Keys), func(o Key) bool { return o.Version == k.Version })
	keys = append(keys, k)
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Version, b.Version) })
	return Ring{Keys: keys}
}

// Equal reports whether two rings hold the same keys with the same moments.
func (r Ring) Equal(o Ring) bool {
	return slices.EqualFunc(r.Keys, o.Keys, func(a, b Key) bool {
		return a.Version == b.Version && a.Value == b.Value && a.Adopted == b.Adopted &&
			a.CreatedAt.Equal(b.CreatedAt) && a.PromotedAt.Equal(b.PromotedAt) &&
			a.DemotedAt.Equal(b.DemotedAt) && a.RevokedAt.Equal(b.RevokedAt) &&
			a.RotateAfter.Equal(b.RotateAfter) && a.RevokeBefore.Equal(b.RevokeBefore)
	})
}

// highest is the largest version ever given out that the ring still knows.
func (r Ring) highest() int64 {
	if r.Empty() {
		return 0
	}
	return r.Keys[len(r.Keys)-1].Version
}
