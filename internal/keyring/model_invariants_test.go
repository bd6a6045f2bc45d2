package keyring_test

import (
	"fmt"
	"slices"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// The invariants of the protocol have numbers, by which a violation is reported. Number 8 says that from every state a rotation
// ends once no fault occurs any more. If the next rotation is held, the present one still ends.

// store writes an object and returns the invariant that the write breaks.
func (l *model) store(w *clusterState, o int, value id, revokes bool) string {
	switch o {
	case keyringSecret:
		return l.storeRing(w, value, revokes)
	case backendSecret, frontendSecret:
		return l.storeSecret(w, o-backendSecret, value)
	}
	load := &w.side[o-backendTemplate]
	if load.old == 0 {
		load.old = load.template
	}
	load.template = value
	return ""
}

func (l *model) storeRing(w *clusterState, value id, revokes bool) string {
	before := l.rings[w.ring]
	if w.ring = value; l.refused != "" {
		return l.refused
	}
	ring := l.rings[value]
	if broken := l.checkActive(w, ring); broken != "" && !revokes {
		return broken
	}
	if broken := l.checkRevoked(w, ring); broken != "" {
		return broken
	}
	published := 0
	for _, k := range ring.Keys {
		if k.Version >= maxVersions {
			panic("the model has no room for the version")
		}
		if k.PromotedAt.IsZero() && k.RevokedAt.IsZero() {
			published++
		}
		v := uint8(k.Version)
		if stands := w.known[v]; stands != 0 && stands != l.annotationID(string(k.Value)) && k.RevokedAt.IsZero() {
			return l.twoKeys(v)
		}
		if k.RevokedAt.IsZero() && !hasVersion(before, k.Version) && slices.Max(w.known[v:]) > 0 && w.known[v] == 0 {
			return fmt.Sprintf("3: version %d is given out after a later one", v)
		}
		if isRevoked(k) {
			w.owed &^= 1 << k.Version
		} else if !k.Rebuilt && k.CreatedAt.Before(l.policy(w).RevokeBefore) {
			w.owed |= 1 << k.Version
		}
		if !k.RevokedAt.IsZero() && revokes {
			w.revoked |= 1 << k.Version
			w.revoking, w.confirmed, w.announced = true, false, false
			w.complete = w.complete && l.protocol.statusOutlives
		}
	}
	if published > 1 {
		return fmt.Sprintf("3: %d keys are published", published)
	}
	if trusted := ring.Trusted(at(w.now), l.policy(w).Validity()); len(trusted) > 3 {
		return fmt.Sprintf("3: %d keys are trusted", len(trusted))
	}
	return ""
}

func hasVersion(ring keyring.Ring, version int64) bool {
	return slices.ContainsFunc(ring.Keys, func(k keyring.Key) bool { return k.Version == version })
}

// checkRevoked checks that no revoked value returns, even under another version from a source. If a ring is lost before anything
// was written that follows from it, its revocation is lost too, and its keys keep their state.
func (l *model) checkRevoked(w *clusterState, ring keyring.Ring) string {
	for _, k := range ring.Keys {
		state := ring.State(k, at(w.now), l.policy(w).Validity())
		if state == keyring.Revoked || state == keyring.Archived {
			continue
		}
		for v := range w.known {
			if !(w.revoked &^ w.forgotten).has(uint8(v)) || w.known[v] != l.annotationID(string(k.Value)) {
				continue
			}
			if w.confirmed || w.announced && int64(v) != k.Version {
				return fmt.Sprintf("5: what was revoked as version %d is trusted again as version %d", v, k.Version)
			}
			w.revoked &^= 1 << v
		}
	}
	return ""
}

func (l *model) twoKeys(version uint8) string {
	if l.managers > 1 {
		return fmt.Sprintf("7: two managers made a key of version %d each", version)
	}
	return fmt.Sprintf("3: version %d is given out again", version)
}

// checkActive checks that the ring still has the key that the frontend's Secret signs with, and that no earlier key is active.
func (l *model) checkActive(w *clusterState, ring keyring.Ring) string {
	if w.active == 0 || w.revoked.has(w.active) {
		return ""
	}
	active, _ := ring.Active()
	for _, k := range ring.Keys {
		if k.Version == int64(w.active) && l.annotationID(string(k.Value)) == w.known[w.active] &&
			active.Version >= k.Version {
			return ""
		}
	}
	return fmt.Sprintf("4: the active key %d does not survive", w.active)
}

func (l *model) storeSecret(w *clusterState, side int, value id) string {
	before := w.secret[side]
	w.secret[side] = value
	for _, e := range l.contents[value].entries {
		switch stands := l.annotationID(string(e.Value)); w.known[e.Version] {
		case 0:
			w.known[e.Version] = stands
		case stands:
		default:
			return l.twoKeys(uint8(e.Version))
		}
	}
	if side == frontend {
		w.active = l.contents[value].signs
		w.announced = w.revoked != 0 && l.projected(w)
		if l.unseen && w.active != l.contents[before].signs {
			w.written = w.now
			if w.takeUp == 0 {
				w.takeUp = w.now + handover
			}
		}
	}
	return ""
}

// check returns the invariant that a state breaks; empty for none.
func (l *model) check(w *clusterState) string {
	if broken := l.overdue + l.refused; broken != "" {
		return broken
	}
	if broken := l.checkConfirmed(w); broken != "" {
		return broken
	}
	if w.missed {
		return "9: no revocation is said to be pending, and a key that the owner wants revoked is in use"
	}
	if w.revoking {
		return ""
	}
	verifiers, signers := w.side[backend].pods(), w.side[frontend].pods()
	for _, signer := range signers {
		signs := l.contents[signer.content].signs
		for _, p := range verifiers {
			if !l.contents[p.content].trusts.has(signs) && !w.revoked.has(signs) {
				return fmt.Sprintf("1: a frontend signs with %d, which a backend does not trust", signs)
			}
		}
		for _, p := range signers {
			if !l.contents[p.content].trusts.has(signs) && !w.revoked.has(signs) && !l.unseen {
				return fmt.Sprintf("1: a frontend signs with %d, which another does not know", signs)
			}
		}
	}
	for v, signed := range w.signed {
		for _, p := range verifiers {
			if signed > 0 && !l.contents[p.content].trusts.has(uint8(v)) {
				return fmt.Sprintf("2: a token signed with %d has not expired, and a backend refuses it", v)
			}
		}
	}
	return ""
}

// owed returns the versions that a revocation at a moment must revoke: those of the ring or, if it is lost, of the Secrets.
func (l *model) owed(w *clusterState, moment uint16) versionSet {
	var owed versionSet
	for _, k := range l.rings[w.ring].Keys {
		if !isRevoked(k) && k.CreatedAt.Before(at(moment)) {
			owed |= 1 << k.Version
		}
	}
	if w.ring <= junk {
		owed = (l.contents[w.secret[frontend]].trusts | l.contents[w.secret[backend]].trusts) &^ w.revoked
	}
	return owed
}

// owes reports whether a ring still uses a key that a revocation must revoke.
func (l *model) owes(w *clusterState, ring id) bool {
	return slices.ContainsFunc(l.rings[ring].Keys, func(k keyring.Key) bool { return !isRevoked(k) && w.owed.has(uint8(k.Version)) })
}

func (l *model) checkConfirmed(w *clusterState) string {
	if !w.confirmed {
		return ""
	}
	for _, p := range w.side[backend].pods() {
		if l.contents[p.content].trusts&w.revoked != 0 {
			return "5: the revocation is said to be complete, and a backend trusts a revoked key"
		}
	}
	for _, p := range w.side[frontend].pods() {
		if c := &l.contents[p.content]; w.revoked.has(c.signs) || c.carried&w.revoked != 0 {
			return "5: the revocation is said to be complete, and a frontend signs or carries sessions over with a revoked key"
		}
	}
	return ""
}

// rounds is far more than the reconciles that any state needs to settle.
const rounds = 12

// reconcile runs one reconcile without interruption, and returns the number of its writes.
func (l *model) reconcile(w clusterState, as mode) (clusterState, int, string) {
	w.manager = [2]manager{}
	w = l.readRing(l.begin(w, 0), 0)
	w = l.plan(w, 0, l.decide(&w, 0, w.manager[0].ring(), w.manager[0].projections(), as))
	writes := 0
	for w.manager[0].stage != idle {
		var broken string
		if w, broken = l.proceed(w, 0); broken != "" {
			return w, writes, broken
		}
		writes++
	}
	return l.settled(w), writes, ""
}

// checkRest checks that repeated reconciles soon write nothing more.
func (l *model) checkRest(w clusterState, as mode) (clusterState, string) {
	for range rounds {
		next, writes, broken := l.reconcile(w, as)
		if broken != "" {
			return w, broken
		}
		if w = next; writes == 0 {
			return w, ""
		}
	}
	return w, "6: a manager that is left alone goes on writing"
}

// checkProgress checks that a rotation ends once pods start, stop and load keys as they should, and that every replaced key
// retires.
func (l *model) checkProgress(w clusterState) string {
	broken := l.checkProgressAs(w, free)
	if broken == "" && l.holds {
		broken = l.checkProgressAs(w, held)
	}
	return broken
}

func (l *model) checkProgressAs(w clusterState, as mode) string {
	for range rounds {
		var broken string
		if w, broken = l.checkRest(w, as); broken != "" {
			return broken
		}
		a := l.decide(&w, 0, w.ring, w.secret, as)
		if a.failed {
			return l.checkFailure(&w)
		}
		if !a.waiting && (a.phase == keyring.PhaseStable || a.phase == keyring.PhaseDraining) && w.ring > junk {
			return ""
		}
		l.calm(&w)
		w = l.settled(w)
	}
	return "8: the rotation does not come to its end"
}

// checkFailure accepts a failing reconcile only if the ring and a Secret are unreadable: then the owner must decide.
func (l *model) checkFailure(w *clusterState) string {
	if w.ring <= junk && (w.secret[backend] == junk || w.secret[frontend] == junk) {
		return ""
	}
	return "4: the ring is not rebuilt"
}

// calm brings every pod to the state that it should have by now.
func (l *model) calm(w *clusterState) {
	for side := range w.side {
		load := &w.side[side]
		load.old = 0
		for i := range load.slots {
			if load.slots[i].pending.live() {
				load.slots[i].pending.annotation = load.template // for which there may never be a node
			}
			if load.slots[i].main.live() || load.slots[i].dying.live() {
				load.slots[i].main = pod{annotation: load.template, content: w.secret[side]}
				load.slots[i].dying = pod{}
			}
		}
	}
	if l.unseen {
		w.now, w.takeUp = max(w.now, w.written+handover), 0
	}
}
