package keyring

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What keeps an app from having keys until its owner decides something.
var (
	// ErrDiffer: the two Secrets hold secrets that cannot both be the app's.
	ErrDiffer = errors.New("the frontend's and the backend's Secret hold different secrets")
	// ErrUnusable: a Secret holds something that BETTER_AUTH_SECRETS cannot carry, or contradicts itself.
	ErrUnusable = errors.New("a Secret holds a value that cannot be used")
	// ErrSourceMissing: the external source has no value yet.
	ErrSourceMissing = errors.New("the source has no value yet")
)

// Recovery are the two projections as they were found. They are how an installation made by hand is adopted,
// and how a keyring that was deleted is rebuilt rather than replaced.
type Recovery struct {
	Frontend, Backend map[string][]byte
}

// UnusableError is an ErrUnusable that says why, and which side's Secret it is about.
type UnusableError struct {
	// Component is frontend or backend; empty where both Secrets together cannot be used.
	Component string
	// Why never shows a value.
	Why error
}

// Error implements error.
func (e *UnusableError) Error() string {
	if e.Component == "" {
		return "the Secrets cannot be used: " + e.Why.Error()
	}
	return "the " + e.Component + "'s Secret cannot be used: " + e.Why.Error()
}

// Is reports whether a target is ErrUnusable.
func (*UnusableError) Is(target error) bool { return target == ErrUnusable }

func unusable(side, format string, args ...any) error {
	return &UnusableError{Component: side, Why: fmt.Errorf(format, args...)}
}

// Agree is nil when a ring can be made of what the two Secrets hold, or they hold nothing; else it is ErrDiffer or an
// UnusableError.
func (r Recovery) Agree() error {
	_, _, _, err := r.joined(longAgo)
	return err
}

// side is one Secret, read: either a list, or a single value without a version, or nothing.
type side struct {
	list   []Entry
	single Value
	// carried are the versions whose sessions the frontend carries over; revoked ones are never among them.
	carried []int64
}

func readSide(name string, data map[string][]byte) (side, error) {
	s := side{single: Value(data[EntrySecret])}
	if list := string(data[EntrySecrets]); list != "" {
		var err error
		if s.list, err = readList(name, list, s.single); err != nil {
			return side{}, err
		}
	} else if s.single != "" && !Portable(s.single) {
		return side{}, unusable(name, "%s has a comma, line break or surrounding space, or is not text", EntrySecret)
	}
	if versions := string(data[EntryCookieVersions]); versions != "" {
		carried, err := ParseVersions(versions)
		if err != nil {
			return side{}, unusable(name, "%s: %w", EntryCookieVersions, err)
		}
		s.carried = carried
	}
	return s, nil
}

// readList reads a list that has the single secret, if there is one.
func readList(name, list string, single Value) ([]Entry, error) {
	entries, err := ParseList(list)
	if err != nil {
		return nil, unusable(name, "%s: %w", EntrySecrets, err)
	}
	known := single == ""
	for _, e := range entries {
		if !Portable(e.Value) {
			return nil, unusable(name, "%s: version %d has a line break", EntrySecrets, e.Version)
		}
		known = known || e.Value == single
	}
	if !known {
		return nil, unusable(name, "%s is not in its %s", EntrySecret, EntrySecrets)
	}
	return entries, nil
}

func (s side) lists(version int64) bool {
	return slices.ContainsFunc(s.list, func(e Entry) bool { return e.Version == version })
}

// ring rebuilds a ring from the projections; empty when they hold nothing.
func (r Recovery) ring(in Inputs) (Ring, Action, error) {
	ring, action, whole, err := r.joined(in.Now)
	if err != nil || ring.Empty() {
		return ring, action, err
	}
	for i, k := range ring.Keys {
		ring.Keys[i] = in.stamped(k)
	}
	if action == ActionRecover {
		ring = ring.guarded(in, whole)
	}
	return ring, action, nil
}

// joined is the ring that both projections make as of a moment, and whether both had a list.
func (r Recovery) joined(now time.Time) (ring Ring, action Action, whole bool, err error) {
	front, err := readSide("frontend", r.Frontend)
	if err != nil {
		return Ring{}, ActionNone, false, err
	}
	back, err := readSide("backend", r.Backend)
	if err != nil {
		return Ring{}, ActionNone, false, err
	}
	if len(front.list)+len(back.list) == 0 {
		ring, action, err = adopted(front.single, back.single, now)
		return ring, action, false, err
	}
	ring, err = rebuilt(front, back, Value(r.Frontend[EntryLegacySecret]), now)
	if err != nil {
		return Ring{}, ActionNone, false, err
	}
	return ring, ActionRecover, len(front.list) > 0 && len(back.list) > 0, nil
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

// rebuilt joins the lists of both sides, the highest first entry as the active key. The moments are lost, so every key
// counts as new, and whether the signers of those before the active one are gone has to be seen again.
func rebuilt(front, back side, legacy Value, now time.Time) (Ring, error) {
	values, active, err := union(front, back)
	if err != nil {
		return Ring{}, err
	}
	var ring Ring
	for version, value := range values {
		key := Key{Version: version, Value: value, Adopted: value == legacy, CreatedAt: now}
		if version <= active {
			key.PromotedAt = now
		}
		if version < active {
			key.DemotedAt = demotedAt(version, front, back)
		}
		ring = ring.with(key)
	}
	if err := ring.sound(); err != nil {
		return Ring{}, unusable(onlyList(front, back), "as %s stands, %w", EntrySecrets, err)
	}
	return ring, nil
}

// onlyList is the side that has a list where the other has none; empty where both have one.
func onlyList(front, back side) string {
	switch {
	case len(back.list) == 0:
		return "frontend"
	case len(front.list) == 0:
		return "backend"
	default:
		return ""
	}
}

// longAgo is before any key, and so far back that no longer validity brings a key that may be revoked back to trust.
var longAgo = time.Unix(0, 0).UTC()

// demotedAt is what a key before the active one gets for the moment it lost: none while both sides trust it (what the
// backend alone lists was revoked or dropped, and the backend is behind), else long ago, as a revoked one may be among
// them. Where the backend's list is lost, the sessions that the frontend carries over tell what is not revoked.
func demotedAt(version int64, front, back side) time.Time {
	trusted := back.lists(version) && (front.lists(version) || len(front.list) == 0)
	if trusted || len(back.list) == 0 && slices.Contains(front.carried, version) {
		return time.Time{}
	}
	return longAgo
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
