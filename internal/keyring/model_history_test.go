package keyring_test

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// FuzzHistory plays long histories with many rotations, in scenarios with too many states to visit each. The first two bytes
// choose the scenario, and each other byte the next move. All invariants are checked after every move. As a test it plays
// random histories from a fixed seed.
func FuzzHistory(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		history := make([]byte, 2500)
		for i := range history {
			history[i] = byte(random.UintN(256))
		}
		f.Add(history)
	}
	f.Add([]byte("\xb100X1222(B019O8A90B121X10")) // a ring is lost, and a source comes back to what was revoked
	f.Fuzz(func(t *testing.T, history []byte) {
		if len(history) < 2 {
			return
		}
		l := newModel(scenarioOf(history[0], history[1]))
		w := l.initial()
		var trace []string
		for i, choice := range history[2:] {
			m := choose(l.moves(&w), choice)
			trace = append(trace, m.String())
			broken := m.broken
			if w = l.settled(m.after); broken == "" {
				broken = l.check(&w)
			}
			if broken == "" && i%16 == 0 {
				broken = l.checkProgress(w)
			}
			if broken != "" {
				t.Fatalf("violates %s\n  %s", broken, strings.Join(trace[max(0, len(trace)-60):], "\n  "))
			}
			if l.exhausted(&w) {
				break
			}
		}
		t.Logf("%d moves, %d keys", len(trace), w.versions())
	})
}

// scenarioOf returns the scenario that two bytes encode.
func scenarioOf(a, b byte) scenario {
	bit := func(n int) bool { return a&(1<<n) != 0 }
	s := scenario{
		managers: 1, restart: bit(0), emptied: bit(1), keepRevoked: bit(2), lone: bit(3),
		historyLimit: int(b % 4), horizon: 14 * interval,
	}
	if bit(4) {
		s.revocations = 3
	}
	if bit(5) {
		s.changes = 8
	}
	switch {
	case bit(6) && bit(7):
		s.unseen, s.revocations = true, 0
	case bit(6):
		s.managers = 2
	case bit(7):
		s.faults = 4
	}
	s.restores, s.unscheduled, s.lag = b&(1<<6) != 0 && s.faults > 0, b&(1<<7) != 0, b&(1<<5) != 0
	s.holds = b&(1<<3) != 0
	return s
}

// choose prefers writes to interruptions, and other moves to faults.
func choose(moves []move, choice byte) move {
	i := int(choice) % len(moves)
	switch rarely := choice%4 == 0; {
	case !rarely && strings.HasSuffix(moves[i].what, "is cut off"):
		return moves[i-1]
	case !rarely && strings.Contains(moves[i].what, "deleted"):
		return moves[0]
	}
	return moves[i]
}

// versions counts the versions that Secrets have held so far.
func (w *clusterState) versions() int {
	count := 0
	for _, known := range w.known {
		if known > 0 {
			count++
		}
	}
	return count
}

// exhausted reports whether the model has no room for another rotation, or the owner must decide first.
func (l *model) exhausted(w *clusterState) bool {
	for _, k := range l.rings[w.ring].Keys {
		if k.Version >= maxVersions-2 {
			return true
		}
	}
	return w.ring <= junk && (w.secret[backend] == junk || w.secret[frontend] == junk)
}
