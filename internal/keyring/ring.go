package keyring

import (
	"cmp"
	"slices"
	"time"
)

// Key is one shared secret and the moments that decide its state. A moment is zero if it has not come yet.
type Key struct {
	// Version is the kid of the tokens signed with the key: positive, strictly increasing per app, never reused.
	Version int64
	Value   Value
	// Adopted marks a key that was in use before there was a list. Data that it encrypted then carries no version.
	Adopted bool
	// CreatedAt is when the key entered the ring.
	CreatedAt time.Time
	// RotateAfter and RevokeBefore are the moments of the policy that had been reached when the key was created; zero for none.
	// They show that the operator has acted on a moment, even if CreatedAt is wrong because of a wrong clock.
	RotateAfter, RevokeBefore time.Time
	// PromotedAt is when the key became the active one.
	PromotedAt time.Time
	// DemotedAt is when the operator saw that no signer can use the key any more.
	DemotedAt time.Time
	// RevokedAt is when the key was revoked.
	RevokedAt time.Time
	// Rebuilt says that the key was read from the Secrets, so CreatedAt is when it was read and not when it was created.
	// Proven is the last moment of revocation that those Secrets prove to be carried out; zero for none.
	Rebuilt bool
	Proven  time.Time
}

// Ring holds the keys of one app by ascending version, without those that were dropped. The zero value is an app without keys.
type Ring struct {
	Keys []Key
}

// State says what a key may be used for at a given moment.
type State string

const (
	// Published: backends and frontends load the key; no frontend signs with it.
	Published State = "Published"
	// Active: frontends sign with it.
	Active State = "Active"
	// Retiring: no longer signs, and still trusted until the last token signed with it has expired.
	Retiring State = "Retiring"
	// Archived: no longer trusted; the frontend keeps it to decrypt data.
	Archived State = "Archived"
	// Revoked: no component trusts it.
	Revoked State = "Revoked"
)

// maxTrusted is the largest number of keys that the API trusts: the active one and two others.
const maxTrusted = 3

// Empty reports whether the app has no keys yet.
func (r Ring) Empty() bool { return len(r.Keys) == 0 }

// Active returns the key that signs. It has the highest version of the promoted keys that are not revoked. Every ring except the
// zero value has one.
func (r Ring) Active() (Key, bool) {
	for _, k := range slices.Backward(r.Keys) {
		if !k.PromotedAt.IsZero() && k.RevokedAt.IsZero() {
			return k, true
		}
	}
	return Key{}, false
}

// State returns the state of the ring's key k at a moment. A demoted key stays trusted for the validity, which is the longest
// lifetime of a token plus the tolerance for clocks.
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

// Trusted returns the keys whose tokens the API accepts: the active one first, then the others by descending version. There are
// never more than three, even if the validity is extended after keys have retired.
func (r Ring) Trusted(now time.Time, validity time.Duration) []Key {
	keys := r.inState(now, validity, Active, Published, Retiring)
	return keys[:min(len(keys), maxTrusted)]
}

// inState returns the keys in the given states, state by state, each by descending version.
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

// with returns a copy of the ring in which k replaces the key of its version, or is added.
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
			a.RotateAfter.Equal(b.RotateAfter) && a.RevokeBefore.Equal(b.RevokeBefore) &&
			a.Rebuilt == b.Rebuilt && a.Proven.Equal(b.Proven)
	})
}

// highest returns the highest version in the ring; 0 if it has no keys.
func (r Ring) highest() int64 {
	if r.Empty() {
		return 0
	}
	return r.Keys[len(r.Keys)-1].Version
}
