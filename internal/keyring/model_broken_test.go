package keyring_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

type (
	nextFunc       = func(keyring.Ring, keyring.Inputs) (keyring.Step, error)
	projectionFunc = func(keyring.Ring, int, time.Time, keyring.Policy) keyring.Projection
)

// seeing returns Next with distorted inputs.
func seeing(distort func(keyring.Ring, *keyring.Inputs)) nextFunc {
	return func(ring keyring.Ring, in keyring.Inputs) (keyring.Step, error) {
		distort(ring, &in)
		return keyring.Next(ring, in)
	}
}

// spoiling returns Next with a changed result.
func spoiling(spoil func(*keyring.Step, keyring.Ring, keyring.Inputs)) nextFunc {
	return func(ring keyring.Ring, in keyring.Inputs) (keyring.Step, error) {
		step, err := keyring.Next(ring, in)
		if err == nil {
			step.Ring.Keys = slices.Clone(step.Ring.Keys)
			spoil(&step, ring, in)
		}
		return step, err
	}
}

// publishing reports whether a ring has a published key.
func publishing(ring keyring.Ring) bool {
	return slices.ContainsFunc(ring.Keys, func(k keyring.Key) bool { return k.PromotedAt.IsZero() && k.RevokedAt.IsZero() })
}

// misreading returns projections of a ring whose keys are changed before.
func misreading(change func(k *keyring.Key, active keyring.Key)) projectionFunc {
	return func(r keyring.Ring, side int, now time.Time, p keyring.Policy) keyring.Projection {
		active, _ := r.Active()
		r.Keys = slices.Clone(r.Keys)
		for i := range r.Keys {
			change(&r.Keys[i], active)
		}
		return project(r, side, now, p)
	}
}

// impatient returns projections under a changed policy.
func impatient(change func(*keyring.Policy)) projectionFunc {
	return func(r keyring.Ring, side int, now time.Time, p keyring.Policy) keyring.Projection {
		change(&p)
		return project(r, side, now, p)
	}
}

var (
	rotation = scenario{managers: 1, historyLimit: 1, horizon: interval + 15}
	twoOf    = scenario{managers: 2, historyLimit: 1, horizon: interval + 15, lone: true}
	revoking = scenario{managers: 1, historyLimit: 1, horizon: interval + 15, revocations: 1}
	losing   = scenario{managers: 1, historyLimit: 1, horizon: interval + 15, faults: 1}
	restored = scenario{managers: 1, historyLimit: 1, horizon: interval + 15, faults: 1, restores: true, lone: true}
	sourced  = scenario{managers: 1, revocations: 1, changes: 1, faults: 1, lone: true, horizon: 8}
	unseen   = scenario{managers: 1, unseen: true, emptied: true, horizon: interval + 15}
	lagging  = scenario{managers: 1, historyLimit: 1, horizon: interval + 15, lone: true, lag: true}
)

// mutation is a broken protocol and the invariant that it breaks.
type mutation struct {
	broken    string
	invariant string
	scenario  scenario
	protocol  protocol
}

var hastyMutations = []mutation{
	{"promotes before the backends trust the key", "1", rotation, protocol{next: seeing(
		func(_ keyring.Ring, in *keyring.Inputs) { in.Verifiers.Pods = nil })}},
	{"promotes before the frontends know the key", "1", rotation, protocol{next: seeing(
		func(r keyring.Ring, in *keyring.Inputs) {
			if publishing(r) {
				in.Signers.Pods = nil
			}
		})}},
	{"promotes what it publishes at once", "1", rotation, protocol{next: spoiling(
		func(s *keyring.Step, _ keyring.Ring, in keyring.Inputs) {
			if s.Action == keyring.ActionPublish {
				s.Ring.Keys[len(s.Ring.Keys)-1].PromotedAt = in.Now
			}
		})}},
	{"promotes before the Secrets carry the key", "1", unseen, protocol{next: seeing(
		func(r keyring.Ring, in *keyring.Inputs) {
			if !r.Empty() {
				in.Recovery = keyring.Recovery{
					Backend: dataOf(r.Backend(in.Now, in.Policy)), Frontend: dataOf(r.Frontend(in.Now, in.Policy)),
				}
			}
		})}},
	{"demotes while frontends still sign", "1", rotation, protocol{next: seeing(
		func(r keyring.Ring, in *keyring.Inputs) {
			if !publishing(r) {
				in.Signers.Pods = nil
			}
		})}},
	{"takes no notice of pods on their way out", "1", rotation, protocol{blindToDying: true}},
	{"hands over to an unseen frontend at once", "2", unseen, protocol{next: seeing(
		func(_ keyring.Ring, in *keyring.Inputs) { in.Policy.HandoverPeriod = 0 })}},
	{"hands over from the promotion on, not from when it was written", "2", unseen, protocol{next: seeing(
		func(_ keyring.Ring, in *keyring.Inputs) { in.Signers.WrittenAt = time.Time{} })}},
	{"retires at the promotion", "1", rotation, protocol{projection: misreading(
		func(k *keyring.Key, active keyring.Key) {
			if k.Version < active.Version {
				k.DemotedAt = epoch.Add(-days(1))
			}
		})}},
	{"retires when the last signer has gone", "2", rotation, protocol{projection: impatient(
		func(p *keyring.Policy) { p.MaxLifetime, p.Leeway = 0, 0 })}},
	{"retires before the last token has expired", "2", rotation, protocol{projection: impatient(
		func(p *keyring.Policy) { p.Leeway = -time.Minute })}},
}

var recordMutations = []mutation{
	{"publishes while a key is published", "3", rotation, protocol{next: spoiling(
		func(s *keyring.Step, r keyring.Ring, in keyring.Inputs) {
			if publishing(r) && s.Action == keyring.ActionNone {
				last := s.Ring.Keys[len(s.Ring.Keys)-1].Version
				key := keyring.Key{Version: last + 1, Value: in.Fresh(), CreatedAt: in.Now}
				s.Ring.Keys, s.Action = append(s.Ring.Keys, key), keyring.ActionPublish
			}
		})}},
	{"gives the version of a dropped key out again", "3",
		scenario{managers: 1, horizon: 2*interval + 15}, protocol{next: spoiling(
			func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) {
				if keys := s.Ring.Keys; s.Action == keyring.ActionPublish && keys[0].Version > 1 {
					last := keys[len(keys)-1]
					last.Version = 1
					last.PromotedAt = last.CreatedAt
					s.Ring.Keys = append([]keyring.Key{last}, keys[:len(keys)-1]...)
				}
			})}},
	{"writes the Secrets before the ring", "3", rotation, protocol{
		order: []int{backendSecret, frontendSecret, keyringSecret, backendTemplate, frontendTemplate}, next: forgetful}},
	{"makes a new key where the ring is lost", "4", losing, protocol{next: seeing(
		func(r keyring.Ring, in *keyring.Inputs) {
			if r.Empty() {
				in.Recovery = keyring.Recovery{}
			}
		})}},
	{"rebuilds a lost ring with the active key alone", "4", losing, protocol{next: spoiling(
		func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) {
			if active, _ := s.Ring.Active(); s.Action == keyring.ActionRecover {
				s.Ring.Keys = []keyring.Key{active}
			}
		})}},
	{"rebuilds a lost ring and trusts the active key alone", "1", losing, protocol{next: spoiling(
		func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) {
			active, _ := s.Ring.Active()
			for i := range s.Ring.Keys {
				if s.Action == keyring.ActionRecover && s.Ring.Keys[i].Version < active.Version {
					s.Ring.Keys[i].DemotedAt = epoch.Add(-days(1))
				}
			}
		})}},
	{"notes the time of every look in the ring", "6", rotation, protocol{next: spoiling(
		func(s *keyring.Step, r keyring.Ring, _ keyring.Inputs) {
			if s.Action == keyring.ActionNone && len(r.Keys) == 1 {
				s.Ring.Keys[0].CreatedAt = s.Ring.Keys[0].CreatedAt.Add(-time.Nanosecond)
				s.Action = keyring.ActionDemote
			}
		})}},
	{"names a moment after the deadline", "6", rotation, protocol{next: spoiling(
		func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) { s.DueIn *= 2 })}},
	{"never demotes", "8", rotation, protocol{next: spoiling(
		func(s *keyring.Step, r keyring.Ring, _ keyring.Inputs) {
			if s.Action == keyring.ActionDemote {
				s.Ring, s.Action = r, keyring.ActionNone
				s.Waiting = []string{"nothing"}
			}
		})}},
}

var trustMutations = []mutation{
	{"goes on trusting revoked keys and says that all is done", "5", revoking, protocol{
		next: spoiling(func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) {
			s.Waiting, s.Phase = nil, keyring.PhaseStable
		}),
		projection: misreading(func(k *keyring.Key, _ keyring.Key) {
			k.RevokedAt = time.Time{}
		})}},
	{"says that a revocation is done before the pods do", "5", revoking, protocol{next: spoiling(
		func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) { s.Waiting = nil })}},
	{"says that a revocation is done before the frontends do", "5", revoking, protocol{next: seeing(
		func(_ keyring.Ring, in *keyring.Inputs) { in.Signers.Pods = nil })}},
	{"goes on carrying sessions of revoked keys over", "5", revoking, protocol{projection: carryingAll}},
	{"forgets a revoked value that a source may offer again", "5",
		scenario{managers: 1, revocations: 1, changes: 3, lone: true, horizon: 8}, protocol{next: spoiling(
			func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) {
				if s.Action == keyring.ActionPublish {
					s.Ring.Keys = slices.DeleteFunc(s.Ring.Keys, isRevoked)
				}
			})}},
	{"rebuilds a lost ring and takes what the source offers for new", "5", sourced, protocol{next: spoiling(
		func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) {
			if s.Action == keyring.ActionRecover {
				s.Ring.Keys = slices.DeleteFunc(s.Ring.Keys, isRevoked)
			}
		})}},
	{"does not tell frontends of a key that is kept though revoked", "8",
		scenario{managers: 1, historyLimit: 1, horizon: interval + 15, revocations: 1, keepRevoked: true},
		protocol{projection: unsigned}},
}

var lockMutations = []mutation{
	{"writes the ring without its resourceVersion", "7", twoOf, protocol{unlocked: []int{keyringSecret}}},
	{"writes the Secrets without their resourceVersions", "1", twoOf, protocol{
		unlocked: []int{backendSecret, frontendSecret}}},
	{"reads the ring before the Secrets, or from a cache that is behind", "1", twoOf, protocol{
		ringBeforeSecrets: true, next: forgetful}},
}

// forgetful returns Next without the recovery of a restored ring from the projections, which would hide other faults.
var forgetful = seeing(func(r keyring.Ring, in *keyring.Inputs) {
	if !r.Empty() {
		in.Projected = keyring.Recovery{}
	}
})

// believing returns a protocol that carries out plans with an action on its caches.
func believing(action keyring.Action) protocol {
	return protocol{believesCache: func(a answer) bool { return a.action == action }}
}

// cacheMutations believe a cache in a case that needs live reads.
var cacheMutations = []mutation{
	{"promotes on cached pods", "1", lagging, believing(keyring.ActionPromote)},
	{"demotes on cached pods", "1", lagging, believing(keyring.ActionDemote)},
	{"says on cached pods that a revocation is done", "5",
		scenario{managers: 1, historyLimit: 1, revocations: 1, lone: true, lag: true, horizon: 3}, believing(keyring.ActionNone)},
	{"says on cached pods that a revocation is done, because the status said so before it", "5",
		scenario{managers: 1, historyLimit: 1, revocations: 1, lone: true, lag: true, horizon: 3}, protocol{statusOutlives: true}},
	{"publishes on cached pods though a Secret is lost", "3", scenario{
		managers: 1, historyLimit: 1, faults: 2, restores: true, lone: true, lag: true, horizon: interval + 15,
	}, believing(keyring.ActionPublish)},
	{"writes the ring without the version that the cache showed", "3", lagging, protocol{unlocked: []int{keyringSecret}}},
	{"reads the ring from a later cache than the Secrets", "3", scenario{
		managers: 1, historyLimit: 1, faults: 1, restores: true, lone: true, lag: true, horizon: interval + 15,
	}, protocol{tornReads: true}},
}

// lossOfRevocation loses Secrets around a revocation.
var lossOfRevocation = scenario{managers: 1, historyLimit: 1, revocations: 1, faults: 2, lone: true, horizon: 3}

// proofMutations break the report of a revocation that was lost with the keyring.
var proofMutations = []mutation{
	{"reports a lost revocation as carried out", "9", lossOfRevocation, protocol{
		next: spoiling(func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) { s.RevocationUnproven = false })}},
	{"believes Secrets without a record that the revocation was carried out", "9", lossOfRevocation, protocol{
		next: seeing(func(_ keyring.Ring, in *keyring.Inputs) {
			in.Recovery.FrontendProof, in.Recovery.BackendProof = in.Policy.RevokeBefore, in.Policy.RevokeBefore
		})}},
	{"records a revocation that is in doubt", "9", lossOfRevocation, protocol{
		projection: func(r keyring.Ring, side int, now time.Time, p keyring.Policy) keyring.Projection {
			projection := project(r, side, now, p)
			if !now.Before(p.RevokeBefore) {
				projection.RevokedBefore = p.RevokeBefore
			}
			return projection
		}}},
}

// restoreMutations break the handling of a keyring that is restored from a backup.
var restoreMutations = []mutation{
	{"goes back to the keys of an older keyring", "3", restored, protocol{next: forgetful}},
	{"gives out a version that pods hold", "3", scenario{
		managers: 1, historyLimit: 1, horizon: interval + 15, faults: 2, restores: true, lone: true,
	}, protocol{next: spoiling(func(s *keyring.Step, r keyring.Ring, _ keyring.Inputs) {
		if s.Action == keyring.ActionPublish && len(r.Keys) > 0 {
			s.Ring.Keys[len(s.Ring.Keys)-1].Version = r.Keys[len(r.Keys)-1].Version + 1
		}
	})}},
	{"takes a pod that gets a node later for one that knows the key", "1", scenario{
		managers: 1, unseen: true, horizon: interval + 15, unscheduled: true, emptied: true, lone: true,
	}, protocol{next: seeing(func(r keyring.Ring, in *keyring.Inputs) {
		if !r.Empty() {
			in.Recovery = keyring.Recovery{
				Backend: dataOf(r.Backend(in.Now, in.Policy)), Frontend: dataOf(r.Frontend(in.Now, in.Policy)),
			}
		}
	})}},
}

func isRevoked(k keyring.Key) bool { return !k.RevokedAt.IsZero() }

// carryingAll returns a projection that carries over the sessions of every version.
func carryingAll(r keyring.Ring, side int, now time.Time, p keyring.Policy) keyring.Projection {
	projection := project(r, side, now, p)
	if side == frontend {
		var all []int64
		for _, k := range r.Keys {
			all = append(all, k.Version)
		}
		projection.Data[keyring.EntryCookieVersions] = keyring.FormatVersions(all)
	}
	return projection
}

// unsigned returns a projection without minus signs.
func unsigned(r keyring.Ring, side int, now time.Time, p keyring.Policy) keyring.Projection {
	projection := project(r, side, now, p)
	for i, v := range projection.Versions {
		projection.Versions[i] = max(v, -v)
	}
	return projection
}

func dataOf(p keyring.Projection) map[string][]byte {
	data := map[string][]byte{}
	for entry, value := range p.Data {
		data[entry] = []byte(value)
	}
	return data
}

// TestModelCatchesBrokenProtocols checks that each broken protocol violates the invariant that is meant to catch it.
func TestModelCatchesBrokenProtocols(t *testing.T) {
	for _, m := range slices.Concat(
		hastyMutations, recordMutations, trustMutations, lockMutations, restoreMutations, proofMutations, cacheMutations, heldMutations,
	) {
		t.Run(m.broken, func(t *testing.T) {
			t.Parallel()
			s := m.scenario
			s.protocol = m.protocol
			out := explore(newModel(s))
			if !strings.HasPrefix(out.broken, m.invariant+":") {
				t.Errorf("want a violation of invariant %s: %s", m.invariant, out)
			}
			t.Logf("%s", out)
		})
	}
}
