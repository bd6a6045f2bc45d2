package keyring_test

import (
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// A manager whose clock was ahead promoted or revoked a key. The frontend, which is managed externally, has the hand-over period
// from when its Secret was written by the clock of the API server, and not from a moment that has yet to come.
func TestTheHandoverCountsFromTheSecret(t *testing.T) {
	now := epoch.Add(days(1))
	ahead := epoch.Add(days(10))
	promoted := keyring.Ring{Keys: []keyring.Key{
		{Version: 1, Value: secretOf("A"), CreatedAt: epoch, PromotedAt: epoch},
		{Version: 2, Value: secretOf("B"), CreatedAt: epoch, PromotedAt: ahead},
	}}
	revoked := keyring.Ring{Keys: []keyring.Key{
		{Version: 1, Value: secretOf("A"), CreatedAt: epoch, PromotedAt: epoch, RevokedAt: ahead},
		{Version: 2, Value: secretOf("B"), CreatedAt: epoch, PromotedAt: ahead},
	}}
	for name, c := range map[string]struct {
		ring    keyring.Ring
		written time.Duration
		action  keyring.Action
		phase   keyring.Phase
	}{
		"promoted, and time is left": {promoted, 30 * time.Minute, keyring.ActionNone, keyring.PhasePromoting},
		"promoted, time is up":       {promoted, 2 * time.Hour, keyring.ActionDemote, keyring.PhaseDraining},
		"revoked, and time is left":  {revoked, 30 * time.Minute, keyring.ActionNone, keyring.PhasePromoting},
		"revoked, time is up":        {revoked, 2 * time.Hour, keyring.ActionNone, keyring.PhaseStable},
	} {
		t.Run(name, func(t *testing.T) {
			policy := keyring.Policy{MaxLifetime: days(7), SessionLifetime: days(7), HandoverPeriod: time.Hour}
			recovery := keyring.Recovery{Backend: dataOf(c.ring.Backend(now, policy)), Frontend: dataOf(c.ring.Frontend(now, policy))}
			step, err := keyring.Next(c.ring, keyring.Inputs{
				Now: now, Policy: policy, Recovery: recovery, Projected: recovery,
				Signers: keyring.Fleet{ExternallyManaged: true, WrittenAt: now.Add(-c.written)},
			})
			if err != nil || step.Action != c.action || step.Phase != c.phase {
				t.Errorf("action %q, phase %q (%v)", step.Action, step.Phase, err)
			}
		})
	}
}
