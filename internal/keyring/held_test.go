package keyring_test

import (
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// TestAHeldRotationDoesNotBegin checks that HoldRotation keeps a rotation from beginning, and nothing else.
func TestAHeldRotationDoesNotBegin(t *testing.T) {
	now := epoch.Add(days(40))
	active := keyring.Key{Version: 1, Value: secretOf("A"), CreatedAt: epoch, PromotedAt: epoch}
	published := keyring.Key{Version: 2, Value: secretOf("B"), CreatedAt: now}
	draining := keyring.Key{Version: 1, Value: secretOf("A"), CreatedAt: epoch, PromotedAt: epoch, DemotedAt: now.Add(-time.Hour)}
	replaced := keyring.Key{Version: 2, Value: secretOf("B"), CreatedAt: epoch.Add(time.Hour), PromotedAt: epoch.Add(time.Hour)}
	for name, c := range map[string]struct {
		keys   []keyring.Key
		revoke time.Time
		free   keyring.Action // what happens without a hold
		held   keyring.Action
		waits  bool
	}{
		"a rotation that is due":    {[]keyring.Key{active}, time.Time{}, keyring.ActionPublish, keyring.ActionNone, true},
		"the same while keys drain": {[]keyring.Key{draining, replaced}, time.Time{}, keyring.ActionPublish, keyring.ActionNone, true},
		"a revocation":              {[]keyring.Key{active}, now, keyring.ActionRevoke, keyring.ActionRevoke, false},
		"a rotation under way":      {[]keyring.Key{active, published}, time.Time{}, keyring.ActionPromote, keyring.ActionPromote, false},
		"a first key":               {nil, time.Time{}, keyring.ActionCreate, keyring.ActionCreate, false},
	} {
		t.Run(name, func(t *testing.T) {
			ring := keyring.Ring{Keys: c.keys}
			policy := keyring.Policy{
				Interval: days(30), RevokeBefore: c.revoke, MaxLifetime: days(7), SessionLifetime: days(7), HistoryLimit: 10}
			recovery := keyring.Recovery{}
			if !ring.Empty() {
				recovery.Backend, recovery.Frontend = dataOf(ring.Backend(now, policy)), dataOf(ring.Frontend(now, policy))
			}
			in := keyring.Inputs{
				Now: now, Policy: policy, Recovery: recovery, Projected: recovery,
				Fresh: func() keyring.Value { return secretOf("C") },
			}
			for _, hold := range []bool{false, true} {
				in.HoldRotation = hold
				step, err := keyring.Next(ring, in)
				want := c.free
				if hold {
					want = c.held
				}
				if err != nil || step.Action != want || step.Held != (hold && c.waits) || step.Held && step.Deferred {
					t.Errorf("held %t: action %q, held %t, deferred %t (%v); want %q", hold, step.Action, step.Held, step.Deferred, err, want)
				}
			}
		})
	}
}

// TestKeysDeferARotation checks that a rotation that is due is deferred only by the keys of the previous one. A step without
// transitions, as for a paused app, must not tell of too many keys if there is room for another.
func TestKeysDeferARotation(t *testing.T) {
	now := epoch.Add(days(40))
	key := func(version int64, demotedAgo time.Duration) keyring.Key {
		k := keyring.Key{Version: version, Value: secretOf(string(rune('A' + version))), CreatedAt: epoch, PromotedAt: epoch}
		if demotedAgo > 0 {
			k.DemotedAt = now.Add(-demotedAgo)
		}
		return k
	}
	for name, c := range map[string]struct {
		keys     []keyring.Key
		deferred bool
	}{
		"one key":               {[]keyring.Key{key(1, 0)}, false},
		"a key retires":         {[]keyring.Key{key(1, time.Hour), key(2, 0)}, false},
		"two keys retire":       {[]keyring.Key{key(1, 2*time.Hour), key(2, time.Hour), key(3, 0)}, true},
		"a key may still sign":  {[]keyring.Key{key(1, 0), key(2, 0)}, true},
		"two keys have retired": {[]keyring.Key{key(1, days(9)), key(2, days(8)), key(3, 0)}, false},
	} {
		in := keyring.Inputs{Now: now, Policy: keyring.Policy{Interval: days(30), MaxLifetime: days(7), HistoryLimit: 10}}
		if step := keyring.CurrentStep(keyring.Ring{Keys: c.keys}, in); step.Deferred != c.deferred {
			t.Errorf("%s: deferred %t, expected %t", name, step.Deferred, c.deferred)
		}
	}
}
