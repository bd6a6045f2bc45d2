package keyring_test

import (
	"fmt"
	"math"
	"slices"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// move is one thing that may happen next.
type move struct {
	what   string
	who    int
	after  clusterState
	broken string
}

func (m move) String() string { return fmt.Sprintf(m.what, m.who+1) }

// moves returns everything that may happen next in a state.
func (l *model) moves(w *clusterState) []move {
	var moves []move
	for m := range l.managers {
		moves = append(moves, l.managerMoves(w, m)...)
	}
	for side := range w.side {
		moves = append(moves, l.podMoves(w, side)...)
	}
	moves = append(moves, l.clockMoves(w)...)
	moves = append(moves, l.ownerMoves(w)...)
	return append(moves, l.faultMoves(w)...)
}

func (l *model) managerMoves(w *clusterState, m int) []move {
	switch w.manager[m].stage {
	case idle:
		begun := l.begin(*w, m)
		if l.managers == 1 {
			return append(l.liveMoves(begun, m), l.cachedMoves(w, m)...)
		}
		return append([]move{{what: "manager %d reads", who: m, after: begun}}, l.cachedMoves(w, m)...)
	case reading:
		return l.liveMoves(*w, m)
	}
	wrote, broken := l.proceed(*w, m)
	cut := *w
	cut.manager[m] = manager{cache: cut.manager[m].cache.forgetting()}
	return []move{
		{what: "manager %d writes", who: m, after: wrote, broken: broken},
		{what: "manager %d is cut off", who: m, after: cut},
	}
}

// names of the components, for traces.
var names = [2]string{"backend", "frontend"}

func (l *model) podMoves(w *clusterState, side int) []move {
	if side == frontend && l.unseen {
		return l.unseenMoves(w)
	}
	var moves []move
	dying := 0
	for _, s := range w.side[side].slots {
		if s.dying.live() {
			dying++
		}
	}
	for i, s := range w.side[side].slots {
		change := func(what string, s slot) {
			after := *w
			after.side[side].slots[i] = s
			moves = append(moves, move{what: names[side] + " %d " + what, who: i, after: after})
		}
		if usable(w.secret[side]) {
			l.learning(w, side, s, change)
		}
		if s.dying.live() {
			change("is gone", slot{main: s.main, pending: s.pending})
		}
		for _, fresh := range l.starts(w, side, s) {
			if l.lone && i == 0 {
				break
			}
			switch {
			case !s.main.live():
				change("starts", slot{main: fresh, dying: s.dying, pending: s.pending})
			case dying == 0:
				change("is replaced", slot{main: fresh, dying: s.main, pending: s.pending})
			}
		}
		if s.main.live() && dying == 0 && l.emptied {
			change("stops", slot{dying: s.main, pending: s.pending})
		}
		if l.unscheduled && (!l.lone || i == 1) {
			l.schedule(w, side, s, dying, change)
		}
	}
	if load := &w.side[side]; load.old > 0 && rolledOut(load) {
		after := *w
		after.side[side].old = 0
		moves = append(moves, move{what: "the rollout is complete on side %d", who: side, after: after})
	}
	return moves
}

// schedule creates a pod that no node takes, deletes it, or gives it a node, where it starts with the Secret as it is by then.
func (l *model) schedule(w *clusterState, side int, s slot, dying int, change func(string, slot)) {
	fresh := l.starts(w, side, s)
	if !s.pending.live() {
		for _, p := range fresh {
			change("is created and gets no node", slot{main: s.main, dying: s.dying, pending: pod{p.annotation, junk}})
		}
		return
	}
	change("is deleted before it gets a node", slot{main: s.main, dying: s.dying})
	for _, p := range fresh {
		p.annotation = s.pending.annotation
		switch {
		case !s.main.live():
			change("gets a node", slot{main: p, dying: s.dying})
		case dying == 0:
			change("gets a node and takes the place of another", slot{main: p, dying: s.main})
		}
	}
}

// learning returns moves in which a mounted Secret is updated, or a container restarts in its pod.
func (l *model) learning(w *clusterState, side int, s slot, change func(string, slot)) {
	what := "starts its container anew"
	if l.reloads(side) {
		what = "is delivered its Secret"
	}
	if s.main.live() && s.main.content != w.secret[side] {
		learnt := s
		learnt.main.content = w.secret[side]
		change(what, learnt)
	}
	if s.dying.live() && s.dying.content != w.secret[side] && l.reloads(side) {
		learnt := s
		learnt.dying.content = w.secret[side]
		change(what, learnt)
	}
}

// starts returns the pods that may start next on a node.
func (l *model) starts(w *clusterState, side int, s slot) []pod {
	contents := []id{}
	if usable(w.secret[side]) {
		contents = append(contents, w.secret[side])
	}
	if l.reloads(side) {
		contents = append(contents, s.main.content, s.dying.content)
	}
	slices.Sort(contents)
	contents = slices.Compact(contents)
	load := &w.side[side]
	if load.template == 0 && !l.reloads(side) {
		return nil
	}
	var pods []pod
	for _, c := range contents {
		if c == 0 {
			continue
		}
		pods = append(pods, pod{annotation: load.template, content: c})
		if load.old > 0 && load.old != load.template {
			pods = append(pods, pod{annotation: load.old, content: c})
		}
	}
	return pods
}

// rolledOut reports whether no pod of an earlier revision is wanted any more.
func rolledOut(load *workload) bool {
	for _, s := range load.slots {
		if s.main.live() && s.main.annotation != load.template || s.pending.live() && s.pending.annotation != load.template {
			return false
		}
	}
	return true
}

// unseenMoves returns moves of an externally managed frontend, which loads its Secret at some moment.
func (l *model) unseenMoves(w *clusterState) []move {
	if !usable(w.secret[frontend]) || w.side[frontend].slots[1].main.content == w.secret[frontend] {
		return nil
	}
	after := *w
	after.side[frontend].slots[1].main.content = w.secret[frontend]
	after.takeUp = 0
	return []move{{what: "unseen frontend %d takes up its Secret", after: after}}
}

// clockMoves returns the move of the clock to the next deadline.
func (l *model) clockMoves(w *clusterState) []move {
	next := uint16(math.MaxUint16)
	soonest := func(tick uint16) {
		if tick > w.now {
			next = min(next, tick)
		}
	}
	for _, signed := range w.signed {
		// The key that signs now has its deadline after the last signature.
		if signed > 0 && signed-1 < w.now {
			soonest(signed - 1 + maxLifetime)
		}
	}
	if w.ring > junk {
		ring := l.rings[w.ring]
		if active, ok := ring.Active(); ok {
			soonest(tickOf(active.CreatedAt) + interval)
			if l.unseen {
				soonest(tickOf(active.PromotedAt) + handover)
			}
		}
		for _, k := range ring.Keys {
			if k.DemotedAt.After(epoch) {
				soonest(tickOf(k.DemotedAt) + maxLifetime)
				soonest(tickOf(k.DemotedAt) + maxLifetime + leeway)
			}
		}
	}
	if l.unseen && usable(w.secret[frontend]) {
		soonest(w.written + handover)
		soonest(w.takeUp)
		if w.takeUp > 0 && next > w.takeUp {
			return nil
		}
	}
	if next > l.horizon {
		return nil
	}
	after := *w
	after.now = next
	return []move{{what: "the clock passes a deadline, moment %d", who: int(next) - 1, after: after}}
}

// ownerMoves returns moves that revoke all keys or those older than now, and that change the value of the source.
func (l *model) ownerMoves(w *clusterState) []move {
	var moves []move
	if w.revocations > 0 {
		revoke := func(what string, moment uint16) {
			after := *w
			after.now, after.revokeBefore = moment, moment
			if l.lag {
				after.revokedEarlier = w.revokeBefore
			}
			after.revocations--
			after.owed |= l.owed(w, moment)
			moves = append(moves, move{what: what, who: int(moment) - 1, after: after})
		}
		revoke("the owner revokes everything (%d)", w.now+1)
		if w.now > w.revokeBefore {
			revoke("the owner revokes what is older than this moment (%d)", w.now)
		}
	}
	for _, value := range []uint8{w.offered - 1, w.offered + 1} {
		if w.changes > 0 && value > 0 {
			after := *w
			after.offered = value
			after.changes--
			moves = append(moves, move{what: "the source offers its value %d", who: int(value) - 1, after: after})
		}
	}
	return moves
}

// initial returns the state of a settled app, or an empty state.
func (l *model) initial() clusterState {
	w := clusterState{faults: uint8(l.faults), revocations: uint8(l.revocations), changes: uint8(l.changes)}
	if l.creation {
		return w
	}
	in := keyring.Inputs{Now: at(0), Policy: l.policy(&w), Fresh: func() keyring.Value { return sentinel + "-first" }}
	if l.changes > 0 {
		w.offered, in.Source = 1, keyring.Value(offer(1))
	}
	step, err := keyring.Next(keyring.Ring{}, in)
	if err != nil {
		panic(err)
	}
	w.ring = l.ringID(step.Ring)
	for side := range w.side {
		l.storeSecret(&w, side, l.contentID(project(step.Ring, side, in.Now, in.Policy)))
		load := &w.side[side]
		if !l.reloads(side) {
			load.template = l.contents[w.secret[side]].annotation
		}
		for i := range load.slots {
			if i == 1 || !l.lone && (side == backend || !l.unseen) {
				load.slots[i].main = pod{annotation: load.template, content: w.secret[side]}
			}
		}
	}
	w.takeUp, w.complete = 0, l.lag
	return l.settled(w)
}
