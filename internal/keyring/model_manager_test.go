package keyring_test

import (
	"slices"
	"strconv"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// scenario bounds a run, and protocol is what its managers do; the zero protocol is the right one.
type scenario struct {
	managers     int
	creation     bool // begin with nothing at all
	restart      bool // backends learn by being restarted
	unseen       bool // the frontend cannot be seen
	revokes      bool // the owner may revoke once, at any moment
	keepRevoked  bool
	faults       int  // how many times a Secret is deleted or spoilt
	emptied      bool // pods may go before another comes
	lone         bool // one node for each side, not two
	historyLimit int
	horizon      uint8
	protocol     protocol
}

// protocol is how a broken manager differs from the right one.
type protocol struct {
	// next stands in for keyring.Next.
	next func(keyring.Ring, keyring.Inputs) (keyring.Step, error)
	// projection stands in for Ring.Frontend and Ring.Backend.
	projection func(r keyring.Ring, side int, now time.Time, p keyring.Policy) keyring.Projection
	// order of the writes, if not the right one.
	order []int
	// unlocked are objects written without the resourceVersion that was read.
	unlocked []int
	// blindToDying leaves out pods on their way out.
	blindToDying bool
	// ringBeforeSecrets reads the ring first and the Secrets last.
	ringBeforeSecrets bool
}

var rightOrder = []int{keyringSecret, backendSecret, frontendSecret, backendTemplate, frontendTemplate}

// lab explores the worlds of one scenario.
type lab struct {
	scenario
	tables
	decisions map[question]answer
	facts     map[fact]uint8
	known     []fact
	overdue   string
	// misprojects says that the protocol is broken in its projections.
	misprojects bool
}

func newLab(s scenario) *lab {
	if s.protocol.next == nil {
		s.protocol.next = keyring.Next
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
	return &lab{
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

// fact is what the manager sees of a pod or a template: what it is known to trust and to sign with.
type fact struct {
	answers, annotation id
}

// sight is a set of facts: pods that look the same make no difference.
type sight uint64

func (l *lab) sees(f fact) sight {
	known, ok := l.facts[f]
	if !ok {
		known = uint8(len(l.known))
		if known > 63 {
			panic("a manager sees too many kinds of pods")
		}
		l.facts[f], l.known = known, append(l.known, f)
	}
	return 1 << known
}

// sight is what a manager sees of a side.
func (l *lab) sight(w *world, side int) sight {
	var seen sight
	if side == frontend && l.unseen {
		return 0
	}
	load := &w.side[side]
	for _, s := range load.slots {
		seen |= l.seesPod(side, s.main)
		if !l.protocol.blindToDying {
			seen |= l.seesPod(side, s.dying)
		}
	}
	if l.reloads(side) {
		return seen
	}
	for _, template := range []id{load.template, load.old} {
		if template > 0 {
			seen |= l.sees(fact{annotation: template})
		}
	}
	return seen
}

// seesPod asks a pod that reloads for its keys, and reads the annotation of any other.
func (l *lab) seesPod(side int, p pod) sight {
	switch {
	case !p.live():
		return 0
	case l.reloads(side):
		return l.sees(fact{answers: l.contents[p.content].annotation})
	default:
		return l.sees(fact{annotation: p.annotation})
	}
}

func (l *lab) reloads(side int) bool { return side == backend && !l.restart }

func (l *lab) fleet(seen sight) keyring.Fleet {
	var fleet keyring.Fleet
	for i, f := range l.known {
		if seen&(1<<i) == 0 {
			continue
		}
		text := l.annotations[max(f.answers, f.annotation)]
		versions, err := keyring.ParseVersions(text)
		if err != nil {
			panic(err)
		}
		pod := keyring.Pod{Name: text, Trusts: versions}
		if f.annotation > 0 {
			pod.Signs = versions[0]
		}
		fleet.Pods = append(fleet.Pods, pod)
	}
	return fleet
}

// question is everything that a decision depends on, and answer what comes of it.
type question struct {
	now, revokeBefore, written, minted uint8
	manager                            int
	ring                               id
	remains                            [2]id
	seen                               [2]sight
}

type answer struct {
	failed  bool
	ring    id
	write   [objects]id
	action  keyring.Action
	phase   keyring.Phase
	mints   bool
	waiting bool
	revoked versionSet
	due     time.Duration
}

// decide asks the real Next, and its real projections.
func (l *lab) decide(w *world, m int, ring id, remains [2]id) answer {
	q := question{
		now: w.now, revokeBefore: w.revokeBefore, written: w.written, minted: w.minted, manager: m,
		ring: ring, remains: remains, seen: [2]sight{l.sight(w, backend), l.sight(w, frontend)},
	}
	known, ok := l.decisions[q]
	if !ok {
		known = l.ask(w, q)
		l.decisions[q] = known
	}
	return known
}

func (l *lab) ask(w *world, q question) answer {
	var a answer
	in := keyring.Inputs{
		Now: at(q.now), Policy: l.policy(w), Verifiers: l.fleet(q.seen[backend]), Signers: l.fleet(q.seen[frontend]),
		Remains: keyring.Remains{Frontend: l.found(w, q, frontend), Backend: l.found(w, q, backend)},
		Fresh: func() keyring.Value {
			a.mints = true
			return keyring.Value(sentinel + "-" + strconv.Itoa(q.manager) + "-" + strconv.Itoa(int(q.minted)))
		},
	}
	in.Signers.Unseen, in.Signers.WrittenAt = l.unseen, at(q.written)
	step, err := l.protocol.next(l.rings[q.ring], in)
	if err != nil {
		return answer{failed: true}
	}
	a.ring, a.action, a.phase, a.waiting, a.due = l.ringID(step.Ring), step.Action, step.Phase, len(step.Waiting) > 0, step.DueIn
	for _, k := range step.Ring.Keys {
		if !k.RevokedAt.IsZero() {
			a.revoked |= 1 << k.Version
		}
	}
	a.write[keyringSecret] = a.ring
	a.write[backendSecret] = l.contentID(l.protocol.projection(step.Ring, backend, in.Now, in.Policy))
	a.write[frontendSecret] = l.contentID(l.protocol.projection(step.Ring, frontend, in.Now, in.Policy))
	a.write[backendTemplate] = l.contents[a.write[backendSecret]].annotation
	a.write[frontendTemplate] = l.contents[a.write[frontendSecret]].annotation
	if a.action == keyring.ActionNone && !l.misprojects {
		l.checkDue(step, in, a)
	}
	return a
}

// found is what a Secret holds. To a manager that projects wrongly, what it wrote looks right.
func (l *lab) found(w *world, q question, side int) map[string][]byte {
	ring := l.rings[q.ring]
	if l.misprojects && !ring.Empty() {
		now, policy := at(q.now), l.policy(w)
		if q.remains[side] == l.contentID(l.protocol.projection(ring, side, now, policy)) {
			return l.data(l.contentID(project(ring, side, now, policy)))
		}
	}
	return l.data(q.remains[side])
}

func (l *lab) data(secret id) map[string][]byte {
	switch secret {
	case 0:
		return nil
	case junk:
		return map[string][]byte{keyring.EntrySecrets: []byte("junk")}
	default:
		return l.contents[secret].data
	}
}

// checkDue makes sure that a step that took no transition is not due before it says, and then is.
func (l *lab) checkDue(step keyring.Step, in keyring.Inputs, a answer) {
	if step.DueIn < 0 || step.DueIn == time.Nanosecond {
		l.overdue = "6: a step that changes nothing is due at once"
	}
	early := in.Now.Add(1000 * time.Hour)
	if step.DueIn > 0 {
		early = in.Now.Add(step.DueIn - time.Nanosecond)
	}
	in.Now = early
	again, err := l.protocol.next(l.rings[a.ring], in)
	if err != nil || again.Action != keyring.ActionNone {
		l.overdue = "6: a step is due before the moment that was named"
	}
	for side, was := range []id{a.write[backendSecret], a.write[frontendSecret]} {
		if l.contentID(project(l.rings[a.ring], side, early, in.Policy)) != was {
			l.overdue = "6: a projection changes before the moment that was named"
		}
	}
}

// object is what is stored of one.
func (w *world) object(o int) *id {
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
func (w *world) touched(o int) {
	for m := range w.manager {
		if w.manager[m].stage != idle {
			w.manager[m].stale |= 1 << o
		}
	}
}

// begin reads everything but the ring and the pods.
func (l *lab) begin(w world, m int) world {
	w.manager[m] = manager{stage: reading}
	for o := range objects {
		w.manager[m].read[o] = *w.object(o)
	}
	return w
}

// resolve reads the ring and the pods, decides, and leaves what is to be written.
func (l *lab) resolve(w world, m int) world {
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
	ring := mgr.read[keyringSecret]
	if ring == junk {
		ring = 0
	}
	a := l.decide(&w, m, ring, [2]id{mgr.read[backendSecret], mgr.read[frontendSecret]})
	if a.failed {
		w.manager[m] = manager{}
		return w
	}
	if a.revoked&w.revoked != 0 && !a.waiting && a.action == keyring.ActionNone {
		w.confirmed = true
	}
	mgr.stage, mgr.mints, mgr.revokes = writing, a.mints, a.action == keyring.ActionRevoke
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

// unmanaged are templates that there are none of, or that carry no annotation.
func (l *lab) unmanaged(o int) bool {
	return o == backendTemplate && !l.restart || o == frontendTemplate && l.unseen
}

// rest ends a reconcile that has nothing more to write.
func (l *lab) rest(w world, m int) world {
	if slices.Max(w.manager[m].write[:]) == 0 {
		w.manager[m] = manager{}
	} else {
		// What was read has served, but for the locks: worlds that differ in it alone are the same.
		w.manager[m].read = [objects]id{}
	}
	return w
}

// proceed makes the next write; a conflict ends the reconcile.
func (l *lab) proceed(w world, m int) (world, string) {
	mgr := w.manager[m]
	i := slices.IndexFunc(l.protocol.order, func(o int) bool { return mgr.write[o] != 0 })
	o := l.protocol.order[i]
	if mgr.stale&(1<<o) != 0 && !slices.Contains(l.protocol.unlocked, o) {
		w.manager[m] = manager{}
		return w, ""
	}
	if mgr.mints {
		w.minted++
		mgr.mints = false
	}
	broken := l.store(&w, o, mgr.write[o], mgr.revokes)
	w.touched(o)
	mgr.write[o] = 0
	w.manager[m] = mgr
	return l.rest(w, m), broken
}
