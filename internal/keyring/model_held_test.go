package keyring_test

import (
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// mode tells if a manager may begin a rotation that is due. The model chooses it anew for each decision, so a rotation may be
// held, and an app paused, for any time.
type mode uint8

const (
	free mode = iota
	// held is the mode of an app whose turn to rotate has not come (reason Queued).
	held
	// paused is the mode of an app of which only the status is written.
	paused
)

// of adds the mode to the description of a move.
func (as mode) of(what string) string {
	return what + [...]string{free: "", held: ", and holds the rotation", paused: ", for the status of a paused app"}[as]
}

// liveMoves returns the moves in which a manager decides on live reads. Decisions that are equal in two modes are one move.
func (l *model) liveMoves(w clusterState, m int) []move {
	w = l.readRing(w, m)
	mgr := &w.manager[m]
	decide := func(as mode) answer { return l.decide(&w, m, mgr.ring(), mgr.projections(), as) }
	begins := decide(free)
	moves := []move{{what: "manager %d decides", who: m, after: l.plan(w, m, begins)}}
	if !l.holds {
		return moves
	}
	if holds := decide(held); holds != begins {
		moves = append(moves, move{what: held.of("manager %d decides"), who: m, after: l.plan(w, m, holds)})
	}
	status := l.rest(l.tell(w, m, decide(paused)), m)
	return append(moves, move{what: paused.of("manager %d decides"), who: m, after: status})
}

// cachedModes returns the modes in which a manager may decide on its caches. If the plan of a paused app writes nothing, its
// status is the same as in mode free. Any other paused app is planned on live reads.
func (l *model) cachedModes() []mode {
	switch {
	case !l.holds:
		return []mode{free}
	case l.protocol.pausedOnCache:
		return []mode{free, held, paused}
	default:
		return []mode{free, held}
	}
}

// status returns the answer of the real CurrentStep, which is the status of a paused app. If there is no ring, the status does not
// say that nothing waits.
func (l *model) status(q question, in keyring.Inputs) answer {
	step := l.protocol.current(l.rings[q.ring], in)
	a := told(step)
	a.ring, a.waiting = q.ring, a.waiting || step.Ring.Empty()
	return a
}

var (
	holding         = scenario{managers: 1, historyLimit: 1, lone: true, holds: true, horizon: interval + 15}
	holdingTwo      = scenario{managers: 1, historyLimit: 1, lone: true, holds: true, horizon: 2*interval + 15}
	holdingRevoking = scenario{managers: 1, historyLimit: 1, lone: true, holds: true, revocations: 1, horizon: interval + 15}
	holdingLagging  = scenario{
		managers: 1, historyLimit: 1, lone: true, holds: true, revocations: 1, lag: true, horizon: interval + 15,
	}
)

// heldMutations break the handling of a rotation that is held, or of a paused app.
var heldMutations = []mutation{
	{"begins a rotation that is held", "10", holding, protocol{next: seeing(
		func(_ keyring.Ring, in *keyring.Inputs) { in.HoldRotation = false })}},
	{"forgets a revocation while a rotation is held", "9", holdingRevoking, protocol{next: seeing(
		func(_ keyring.Ring, in *keyring.Inputs) {
			if in.HoldRotation {
				in.Policy.RevokeBefore = in.Policy.RotateAfter
			}
		})}},
	{"holds a rotation that is under way", "8", holding, protocol{next: spoiling(
		func(s *keyring.Step, r keyring.Ring, in keyring.Inputs) {
			if in.HoldRotation && s.Action == keyring.ActionPromote {
				s.Ring, s.Action, s.Waiting = r, keyring.ActionNone, []string{"its turn"}
			}
		})}},
	{"forgets the end of a replaced key while a rotation is held", "6", holdingTwo, protocol{next: spoiling(
		func(s *keyring.Step, _ keyring.Ring, _ keyring.Inputs) {
			if s.Held {
				s.DueIn = 0
			}
		})}},
	{"takes a rotation that is held for the end of a revocation", "5", holdingLagging, protocol{heldEnds: true}},
	{"says of a paused app that no revocation is pending", "9", holdingRevoking, protocol{
		current: func(r keyring.Ring, in keyring.Inputs) keyring.Step {
			in.Policy.RevokeBefore = in.Policy.RotateAfter
			return keyring.CurrentStep(r, in)
		}}},
	{"says on cached pods that the revocation of a paused app is done", "5", holdingLagging, protocol{pausedOnCache: true}},
}
