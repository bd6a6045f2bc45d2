package keyring

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What keeps an app from having keys until its owner decides something.
var (
	// ErrDiffer: the two Secrets hold secrets that cannot both be the app's.
	ErrDiffer = errors.New("the frontend's and the backend's Secret hold different secrets")
	// ErrUnusable: a Secret holds something that BETTER_AUTH_SECRETS cannot carry.
	ErrUnusable = errors.New("a Secret holds a value that cannot be used")
	// ErrSourceMissing: the external source has no value yet.
	ErrSourceMissing = errors.New("the source has no value yet")
)

// Remains are the two projections as they were found. They are how an installation made by hand is adopted,
// and how a keyring that was deleted is rebuilt rather than replaced.
type Remains struct {
	Frontend, Backend map[string][]byte
}

// side is one Secret, read: either a list, or a single value without a version, or nothing.
type side struct {
	list   []Entry
	single Value
}

func readSide(name string, data map[string][]byte) (side, error) {
	s := side{single: Value(data[EntrySecret])}
	if list := string(data[EntrySecrets]); list != "" {
		entries, err := ParseList(list)
		if err != nil {
			return side{}, fmt.Errorf("%w: %s of the %s's Secret: %w", ErrUnusable, EntrySecrets, name, err)
		}
		s.list = entries
		known := slices.ContainsFunc(entries, func(e Entry) bool { return e.Value == s.single })
		if s.single != "" && !known {
			return side{}, fmt.Errorf("%w: %s of the %s's Secret is not in its %s",
				ErrDiffer, EntrySecret, name, EntrySecrets)
		}
	} else if s.single != "" && !Portable(s.single) {
		return side{}, fmt.Errorf("%w: %s of the %s's Secret has a comma, a line break or surrounding space",
			ErrUnusable, EntrySecret, name)
	}
	return s, nil
}

// Portable reports whether a value means the same in BETTER_AUTH_SECRET and in BETTER_AUTH_SECRETS:
// lists split on commas and trim their items.
func Portable(v Value) bool {
	return v != "" && !strings.ContainsAny(string(v), ",\r\n") && strings.TrimSpace(string(v)) == string(v)
}

// ring rebuilds a ring from the projections; empty when they hold nothing.
func (r Remains) ring(in Inputs) (Ring, Action, error) {
	front, err := readSide("frontend", r.Frontend)
	if err != nil {
		return Ring{}, ActionNone, err
	}
	back, err := readSide("backend", r.Backend)
	if err != nil {
		return Ring{}, ActionNone, err
	}
	if len(front.list)+len(back.list) == 0 {
		return adopted(front.single, back.single, in.Now)
	}
	ring, err := r.rebuilt(front, back, in)
	return ring, ActionRecover, err
}

// adopted makes key 1 of the value that both sides, or the only one, used before there was a list.
func adopted(front, back Value, now time.Time) (Ring, Action, error) {
	value := max(front, back)
	switch {
	case value == "":
		return Ring{}, ActionNone, nil
	case front != "" && back != "" && front != back:
		return Ring{}, ActionNone, ErrDiffer
	}
	key := Key{Version: 1, Value: value, Adopted: true, CreatedAt: now, PromotedAt: now}
	return Ring{}.with(key), ActionAdopt, nil
}

// rebuilt joins the lists of both sides. The moments are lost, so every key counts as new, the highest first entry as
// active, and a key before it is trusted only while a backend does, or the frontend would carry its sessions over
// (never a revoked key): whether its signers are gone has to be seen again.
func (r Remains) rebuilt(front, back side, in Inputs) (Ring, error) {
	values, active, err := union(front, back)
	if err != nil {
		return Ring{}, err
	}
	trusted := versionsOf(back.list)
	if len(back.list) == 0 {
		trusted, _ = ParseVersions(string(r.Frontend[EntryCookieVersions]))
	}
	long := max(in.Policy.Validity(), in.Policy.SessionLifetime)
	var ring Ring
	for version, value := range values {
		key := Key{Version: version, Value: value, CreatedAt: in.Now}
		key.Adopted = string(value) == string(r.Frontend[EntryLegacySecret])
		if version <= active {
			key.PromotedAt = in.Now
		}
		if version < active && !slices.Contains(trusted, version) {
			key.DemotedAt = in.Now.Add(-long)
		}
		ring = ring.with(key)
	}
	return ring, nil
}

// union is every version of both sides with its value, and which of them signs.
func union(front, back side) (map[int64]Value, int64, error) {
	values := map[int64]Value{}
	var active int64
	for _, list := range [][]Entry{front.list, back.list} {
		for i, e := range list {
			if known, ok := values[e.Version]; ok && known != e.Value {
				return nil, 0, fmt.Errorf("%w under version %d", ErrDiffer, e.Version)
			}
			values[e.Version] = e.Value
			if i == 0 {
				active = max(active, e.Version)
			}
		}
	}
	for _, s := range []side{front, back} {
		if len(s.list) == 0 && s.single != "" && s.single != values[active] {
			return nil, 0, ErrDiffer
		}
	}
	return values, active, nil
}

func versionsOf(entries []Entry) []int64 {
	versions := make([]int64, len(entries))
	for i, e := range entries {
		versions[i] = e.Version
	}
	return versions
}
