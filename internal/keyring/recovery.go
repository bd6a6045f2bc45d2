package keyring

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors that only the owner of an app can resolve. Until then the app has no keys.
var (
	// ErrDiffer: the two Secrets hold keys that cannot both be the app's.
	ErrDiffer = errors.New("the frontend's and the backend's Secret hold different keys")
	// ErrUnusable: a Secret holds something that BETTER_AUTH_SECRETS cannot carry, or contradicts itself.
	ErrUnusable = errors.New("a Secret holds a value that cannot be used")
	// ErrSourceMissing: the external source has no value yet.
	ErrSourceMissing = errors.New("the source has no value yet")
)

// Recovery holds the data of the two components' Secrets. An existing installation is adopted from them, and a deleted keyring is
// rebuilt from them.
type Recovery struct {
	Frontend, Backend map[string][]byte
	// FrontendProof and BackendProof are the last moments of revocation that had been carried out when each Secret was written;
	// zero if that is not known.
	FrontendProof, BackendProof time.Time
}

// UnusableError is an ErrUnusable with the reason and the component whose Secret it concerns.
type UnusableError struct {
	// Component is frontend or backend; empty if only both Secrets together cannot be used.
	Component string
	// Why never contains a value.
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

func unusable(component, format string, args ...any) error {
	return &UnusableError{Component: component, Why: fmt.Errorf(format, args...)}
}

// Agree returns nil if a ring can be made of the two Secrets, or if they hold no key. Otherwise it returns ErrDiffer or an
// UnusableError.
func (r Recovery) Agree() error {
	_, _, _, err := r.joined(longAgo)
	return err
}

// contents holds the decoded keys of one Secret: a list, or a single value without a version, or nothing.
type contents struct {
	list   []Entry
	single Value
	// carried lists the versions whose sessions the frontend carries over. It never contains a revoked one.
	carried []int64
}

// readContents decodes the data of a component's Secret.
func readContents(component string, data map[string][]byte) (contents, error) {
	s := contents{single: Value(data[EntrySecret])}
	if list := string(data[EntrySecrets]); list != "" {
		var err error
		if s.list, err = readList(component, list, s.single); err != nil {
			return contents{}, err
		}
	} else if s.single != "" && !Portable(s.single) {
		return contents{}, unusable(component, "%s has a comma, line break or surrounding space, or is not text", EntrySecret)
	}
	if versions := string(data[EntryCookieVersions]); versions != "" {
		carried, err := ParseVersions(versions)
		if err != nil {
			return contents{}, unusable(component, "%s: %w", EntryCookieVersions, err)
		}
		s.carried = carried
	}
	return s, nil
}

// readList decodes a list. If there is a single value too, the list must contain it.
func readList(component, list string, single Value) ([]Entry, error) {
	entries, err := ParseList(list)
	if err != nil {
		return nil, unusable(component, "%s: %w", EntrySecrets, err)
	}
	known := single == ""
	for _, e := range entries {
		if !Portable(e.Value) {
			return nil, unusable(component, "%s: version %d has a line break", EntrySecrets, e.Version)
		}
		known = known || e.Value == single
	}
	if !known {
		return nil, unusable(component, "%s is not in its %s", EntrySecret, EntrySecrets)
	}
	return entries, nil
}

func (s contents) lists(version int64) bool {
	return slices.ContainsFunc(s.list, func(e Entry) bool { return e.Version == version })
}

// ring returns the ring that the two Secrets make; empty if they hold no key.
func (r Recovery) ring(in Inputs) (Ring, Action, error) {
	ring, action, whole, err := r.joined(in.Now)
	if err != nil || ring.Empty() {
		return ring, action, err
	}
	if action == ActionRecover {
		return in.reread(ring, r.proof()).guarded(in, whole), action, nil
	}
	for i, k := range ring.Keys {
		ring.Keys[i] = in.stamped(k)
	}
	return ring, action, nil
}

// joined returns the ring that both Secrets make at a moment, and reports whether both had a list.
func (r Recovery) joined(now time.Time) (ring Ring, action Action, whole bool, err error) {
	front, err := readContents("frontend", r.Frontend)
	if err != nil {
		return Ring{}, ActionNone, false, err
	}
	back, err := readContents("backend", r.Backend)
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

// adopted makes key 1 of the value that both components, or only one, used before there was a list.
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

// rebuilt makes a ring of the lists of both components. The active key is the first entry with the highest version. The moments are
// lost, so every key counts as new, and the operator must see again that no signer uses the earlier keys.
func rebuilt(front, back contents, legacy Value, now time.Time) (Ring, error) {
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
		return Ring{}, unusable(onlyList(front, back), "%s makes no ring: %w", EntrySecrets, err)
	}
	return ring, nil
}

// onlyList returns the only component that has a list; empty if both have one.
func onlyList(front, back contents) string {
	switch {
	case len(back.list) == 0:
		return "frontend"
	case len(front.list) == 0:
		return "backend"
	default:
		return ""
	}
}

// longAgo is a moment before any key was created. A key demoted then is not trusted again, even if the validity is extended.
var longAgo = time.Unix(0, 0).UTC()

// demotedAt returns the moment of demotion of a key before the active one, which is lost. It is zero if both components trust the
// key, and long ago otherwise, because the key may be revoked: if only the backend lists it, the backend is behind. If the
// backend's list is lost, the versions whose sessions the frontend carries over are not revoked.
func demotedAt(version int64, front, back contents) time.Time {
	trusted := back.lists(version) && (front.lists(version) || len(front.list) == 0)
	if trusted || len(back.list) == 0 && slices.Contains(front.carried, version) {
		return time.Time{}
	}
	return longAgo
}

// union returns the value of every version of both components, and the version that signs.
func union(front, back contents) (map[int64]Value, int64, error) {
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
	for _, s := range []contents{front, back} {
		if len(s.list) == 0 && s.single != "" && s.single != values[active] {
			return nil, 0, ErrDiffer
		}
	}
	return values, active, nil
}
