package keyring_test

import (
	"slices"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// faultMoves returns moves that delete Secrets or make them unreadable. One of the three always remains.
func (l *model) faultMoves(w *clusterState) []move {
	if w.faults == 0 {
		return nil
	}
	moves := l.restoreMoves(w)
	for o, name := range []string{"keyring", "backend Secret", "frontend Secret"} {
		for _, fault := range []id{0, junk} {
			if *w.object(o) <= junk || w.lost() == 2 {
				continue
			}
			after := *w
			*after.object(o) = fault
			after.faults--
			after.touched(o)
			l.hide(&after, w.secrets(), o)
			moves = append(moves, move{what: "the " + name + " is deleted (0) or spoilt (2): %d", who: int(fault)*2 - 1, after: after})
		}
	}
	return moves
}

// restoreMoves returns moves that back up the keyring once, and restore it later.
func (l *model) restoreMoves(w *clusterState) []move {
	after := *w
	switch {
	case l.restores && w.backup == 0 && w.ring > junk:
		after.backup = w.ring
		return []move{{what: "the keyring is backed up by %d", after: after}}
	case w.backup != 0 && w.ring != w.backup:
		after.ring = w.backup
		after.faults--
		after.touched(keyringSecret)
		l.hide(&after, w.secrets(), keyringSecret)
		return []move{{what: "the keyring is restored from backup %d", after: after}}
	}
	return nil
}

// lost counts the Secrets that are deleted or unreadable.
func (w *clusterState) lost() int {
	lost := 0
	for _, o := range []int{keyringSecret, backendSecret, frontendSecret} {
		if *w.object(o) <= junk {
			lost++
		}
	}
	return lost
}

// forgive removes tokens that no manager can know of if the ring and the backend's Secret are both lost, or the ring is an older
// one: they were signed with a replaced key whose sessions are no longer carried over.
func (l *model) forgive(w *clusterState) {
	restored := w.backup != 0 && w.ring == w.backup
	if w.ring > junk && !restored || usable(w.secret[backend]) {
		return
	}
	for v := range w.signed {
		if front := w.secret[frontend]; !l.contents[front].carried.has(uint8(v)) {
			w.signed[v] = 0
		}
	}
}

// forgotten returns the revoked versions that a rebuilt ring cannot know. Since the revocation only the lost keyring held their
// values, unless the source offers one when the ring is rebuilt.
func (l *model) forgotten(w *clusterState, ring id) versionSet {
	var set versionSet
	for v, value := range w.known {
		known := slices.ContainsFunc(l.rings[ring].Keys, func(k keyring.Key) bool { return l.annotationID(string(k.Value)) == value })
		if w.revoked.has(uint8(v)) && !known && l.annotationID(offer(w.offered)) != value {
			set |= 1 << v
		}
	}
	return set
}

// vanish permits a rebuilt ring to reuse versions that have left no trace: no Secret and no pod has them, and no token is signed
// with them.
func (l *model) vanish(w *clusterState, ring id) {
	keys := l.rings[ring].Keys
	somewhere := l.contents[w.secret[backend]].trusts | l.contents[w.secret[frontend]].trusts
	for side := range w.side {
		for _, p := range w.side[side].pods() {
			somewhere |= l.contents[p.content].trusts
		}
	}
	for v := keys[len(keys)-1].Version + 1; v < maxVersions; v++ {
		if !somewhere.has(uint8(v)) && w.signed[v] == 0 {
			w.known[v] = 0
			w.revoked &^= 1 << v
		}
	}
}
