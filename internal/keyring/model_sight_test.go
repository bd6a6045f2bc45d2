package keyring_test

import (
	"strconv"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// fact is what the manager sees of a pod or a template: what it is known to trust and to sign with.
type fact struct {
	answers, annotation id
}

// sight is a set of facts: pods that look the same make no difference.
type sight [4]uint64

func (s sight) and(o sight) sight {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

func (s sight) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (l *lab) sees(f fact) sight {
	known, ok := l.facts[f]
	if !ok {
		known = uint8(len(l.known))
		l.facts[f], l.known = known, append(l.known, f)
	}
	var one sight
	one[known/64] = 1 << (known % 64)
	return one
}

// sight is what a manager sees of a side.
func (l *lab) sight(w *world, side int) sight {
	var seen sight
	if side == frontend && l.unseen {
		return seen
	}
	load := &w.side[side]
	for _, s := range load.slots {
		seen = seen.and(l.seesPod(side, s.main))
		if !l.protocol.blindToDying {
			seen = seen.and(l.seesPod(side, s.dying))
		}
	}
	if l.reloads(side) {
		return seen
	}
	// Of a pod without a node, the ReplicaSet that wants it is seen.
	for _, template := range []id{load.template, load.old, load.slots[0].pending.annotation, load.slots[1].pending.annotation} {
		if template > 0 {
			seen = seen.and(l.sees(fact{annotation: template}))
		}
	}
	return seen
}

// seesPod asks a pod that reloads for its keys, and reads the annotation of any other.
func (l *lab) seesPod(side int, p pod) sight {
	switch {
	case !p.live():
		return sight{}
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
		if !seen.has(i) {
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
	now, revokeBefore, written uint16
	minted, offered            uint8
	manager                    int
	ring                       id
	recovery                   [2]id
	seen                       [2]sight
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
func (l *lab) decide(w *world, m int, ring id, recovery [2]id) answer {
	q := question{
		now: w.now, revokeBefore: w.revokeBefore, written: w.written, minted: w.minted, offered: w.offered, manager: m,
		ring: ring, recovery: recovery, seen: [2]sight{l.sight(w, backend), l.sight(w, frontend)},
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
		Recovery: keyring.Recovery{Frontend: l.found(w, q, frontend), Backend: l.found(w, q, backend)},
		Fresh: func() keyring.Value {
			a.mints = true
			return keyring.Value(sentinel + "-" + strconv.Itoa(q.manager) + "-" + strconv.Itoa(int(q.minted)))
		},
	}
	in.Projected = in.Recovery
	if q.offered > 0 {
		in.Source = keyring.Value(offer(q.offered))
	}
	in.Signers.ExternallyManaged, in.Signers.WrittenAt = l.unseen, at(q.written)
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

// offer is the nth value of a source.
func offer(n uint8) string { return sentinel + "-offered-" + strconv.Itoa(int(n)) }

// found is what a Secret holds. To a manager that projects wrongly, what it wrote looks right.
func (l *lab) found(w *world, q question, side int) map[string][]byte {
	ring := l.rings[q.ring]
	if l.misprojects && !ring.Empty() {
		now, policy := at(q.now), l.policy(w)
		if q.recovery[side] == l.contentID(l.protocol.projection(ring, side, now, policy)) {
			return l.data(l.contentID(project(ring, side, now, policy)))
		}
	}
	return l.data(q.recovery[side])
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
