package keyring_test

import (
	"slices"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// scenario bounds a run. Its protocol says how the managers behave; the zero value is the right protocol.
type scenario struct {
	managers     int
	creation     bool // begin with nothing at all
	restart      bool // backends learn by being restarted
	unseen       bool // the frontend cannot be seen
	revocations  int  // how many times the owner may revoke, at any moment
	keepRevoked  bool
	changes      int  // how many times an external source changes its value, there and back; none: there is no source
	faults       int  // how many times a Secret is deleted or spoilt
	emptied      bool // pods may go before another comes
	lone         bool // one node for each side, not two
	unscheduled  bool // pods may be created that get a node later or never
	restores     bool // the keyring may be backed up, and restored at the cost of a fault
	lag          bool // managers also decide on caches that are behind
	holds        bool // a rotation may be held, or the app paused, at any moment and for any time
	historyLimit int
	horizon      uint16
	protocol     protocol
}

// protocol describes how a broken manager differs from a right one.
type protocol struct {
	// next replaces keyring.Next.
	next func(keyring.Ring, keyring.Inputs) (keyring.Step, error)
	// projection replaces Ring.Frontend and Ring.Backend.
	projection func(r keyring.Ring, side int, now time.Time, p keyring.Policy) keyring.Projection
	// order is the order of the writes, if it is not the right one.
	order []int
	// unlocked lists objects that are written without the resourceVersion that was read.
	unlocked []int
	// blindToDying ignores pods that terminate.
	blindToDying bool
	// believesCache reports whether a plan that needs live reads is carried out on the cache.
	believesCache func(answer) bool
	// statusOutlives believes a status that was written before a revocation.
	statusOutlives bool
	// tornReads reads the Secrets at different moments of their cache.
	tornReads bool
	// ringBeforeSecrets reads the ring first and the Secrets last.
	ringBeforeSecrets bool
	// current replaces keyring.CurrentStep, which tells the status of a paused app.
	current func(keyring.Ring, keyring.Inputs) keyring.Step
	// pausedOnCache tells the status of a paused app on the cache, even if the plan needs live reads.
	pausedOnCache bool
	// heldEnds takes a status that says that a rotation is held for a status that says that nothing waits.
	heldEnds bool
}

var rightOrder = []int{keyringSecret, backendSecret, frontendSecret, backendTemplate, frontendTemplate}

// model explores the states of one scenario.
type model struct {
	scenario
	tables
	decisions map[question]answer
	facts     map[fact]uint8
	known     []fact
	overdue   string
	// misprojects says that the projections of the protocol are broken.
	misprojects bool
}

func newModel(s scenario) *model {
	if s.protocol.next == nil {
		s.protocol.next = keyring.Next
	}
	if s.protocol.current == nil {
		s.protocol.current = keyring.CurrentStep
	}
	misprojects := s.protocol.projection != nil
	if !misprojects {
		s.protocol.projection = project
	}
	if s.protocol.order == nil {
		s.protocol.order = rightOrder
	}
	if s.horizon == 0 {
		s.horizon = horizon
	}
	return &model{
		scenario: s, misprojects: misprojects,
		tables: newTables(), decisions: map[question]answer{}, facts: map[fact]uint8{},
	}
}

func project(r keyring.Ring, side int, now time.Time, p keyring.Policy) keyring.Projection {
	if side == frontend {
		return r.Frontend(now, p)
	}
	return r.Backend(now, p)
}

// object returns the stored id of an object.
func (w *clusterState) object(o int) *id {
	switch o {
	case keyringSecret:
		return &w.ring
	case backendSecret, frontendSecret:
		return &w.secret[o-backendSecret]
	default:
		return &w.side[o-backendTemplate].template
	}
}

// touched marks an object as changed for the managers that have read it.
func (w *clusterState) touched(o int) {
	for m := range w.manager {
		if w.manager[m].stage != idle {
			w.manager[m].stale |= 1 << o
		}
	}
}

// begin reads everything but the ring and the pods.
func (l *model) begin(w clusterState, m int) clusterState {
	w.manager[m] = manager{stage: reading, cache: w.manager[m].cache}
	for o := range objects {
		w.manager[m].read[o] = *w.object(o)
	}
	return w
}

// readRing reads the ring last, as a manager does before it decides on live reads.
func (l *model) readRing(w clusterState, m int) clusterState {
	mgr := &w.manager[m]
	if l.protocol.ringBeforeSecrets {
		ring := mgr.read[keyringSecret]
		stale := mgr.stale & (1 << keyringSecret)
		for o := range objects {
			mgr.read[o] = *w.object(o)
		}
		mgr.read[keyringSecret], mgr.stale = ring, stale
	} else {
		mgr.read[keyringSecret] = w.ring
		mgr.stale &^= 1 << keyringSecret
	}
	return w
}

// ring returns the ring that was read, and none if it is unreadable.
func (mgr *manager) ring() id {
	if mgr.read[keyringSecret] == junk {
		return 0
	}
	return mgr.read[keyringSecret]
}

func (mgr *manager) projections() [2]id {
	return [2]id{mgr.read[backendSecret], mgr.read[frontendSecret]}
}

// plan records what a decision says and the writes that it calls for.
func (l *model) plan(w clusterState, m int, a answer) clusterState {
	mgr := &w.manager[m]
	if a.failed {
		*mgr = manager{cache: mgr.cache}
		return w
	}
	w = l.tell(w, m, a)
	ring := mgr.ring()
	if a.action == keyring.ActionRecover {
		w.forgotten |= l.forgotten(&w, a.ring)
		l.vanish(&w, a.ring)
	} else if l.restores && a.generates && ring > junk {
		l.vanish(&w, ring)
	}
	mgr.stage, mgr.generates, mgr.revokes = writing, a.generates, a.action == keyring.ActionRevoke
	for o := range objects {
		if a.write[o] != mgr.read[o] && !l.unmanaged(o) {
			mgr.write[o] = a.write[o]
		}
	}
	if a.action == keyring.ActionNone {
		mgr.write[keyringSecret] = 0
	}
	return l.rest(w, m)
}

// tell records the claims of the status that follows from a decision.
func (l *model) tell(w clusterState, m int, a answer) clusterState {
	ends := a.ends()
	if ends {
		w.confirmed = w.confirmed || a.revoked&w.revoked != 0
		w.missed = w.missed || a.revokeBefore == w.revokeBefore && l.owes(&w, a.ring)
	}
	ends = ends || l.protocol.heldEnds && a.held
	w.complete = w.complete || ends && l.lag
	w.manager[m].waits = l.lag && !ends
	return w
}

// unmanaged reports whether a template does not exist or carries no annotation.
func (l *model) unmanaged(o int) bool {
	return o == backendTemplate && !l.restart || o == frontendTemplate && l.unseen
}

// rest ends a reconcile that has nothing more to write: it writes the status, and waits until the cache shows its writes.
func (l *model) rest(w clusterState, m int) clusterState {
	mgr := &w.manager[m]
	if slices.Max(mgr.write[:]) > 0 {
		// The objects that were read no longer matter: states that differ in them alone are equal.
		mgr.read = [objects]id{}
		return w
	}
	if mgr.waits {
		w.complete = false
	}
	*mgr = manager{cache: mgr.cache.showing()}
	return w
}

// proceed makes the next write; a conflict ends the reconcile.
func (l *model) proceed(w clusterState, m int) (clusterState, string) {
	mgr := w.manager[m]
	i := slices.IndexFunc(l.protocol.order, func(o int) bool { return mgr.write[o] != 0 })
	o := l.protocol.order[i]
	if mgr.stale&(1<<o) != 0 && !slices.Contains(l.protocol.unlocked, o) {
		w.manager[m] = manager{cache: mgr.cache}
		return w, ""
	}
	if mgr.generates {
		w.generated++
		mgr.generates = false
	}
	before := w.secrets()
	broken := l.store(&w, o, mgr.write[o], mgr.revokes)
	w.touched(o)
	l.hide(&w, before, o)
	mgr.write[o] = 0
	mgr.cache = w.manager[m].cache
	mgr.cache.wrote = l.lag
	w.manager[m] = mgr
	return l.rest(w, m), broken
}
