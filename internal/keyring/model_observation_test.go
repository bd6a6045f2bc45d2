package keyring_test

import (
	"strconv"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// fact is the knowledge of a manager about a pod or a template: the keys that it trusts and signs with.
type fact struct {
	answers, annotation id
}

// observation is a set of facts. Two pods with the same fact count once.
type observation [4]uint64

func (s observation) and(o observation) observation {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

func (s observation) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (l *model) observe(f fact) observation {
	known, ok := l.facts[f]
	if !ok {
		known = uint8(len(l.known))
		l.facts[f], l.known = known, append(l.known, f)
	}
	var one observation
	one[known/64] = 1 << (known % 64)
	return one
}

// observation returns the facts that a manager observes of a component.
func (l *model) observation(w *clusterState, side int) observation {
	var seen observation
	if side == frontend && l.unseen {
		return seen
	}
	load := &w.side[side]
	for _, s := range load.slots {
		seen = seen.and(l.observePod(side, s.main))
		if !l.protocol.blindToDying {
			seen = seen.and(l.observePod(side, s.dying))
		}
	}
	if l.reloads(side) {
		return seen
	}
	// For a pod without a node, the manager observes its ReplicaSet.
	for _, template := range []id{load.template, load.old, load.slots[0].pending.annotation, load.slots[1].pending.annotation} {
		if template > 0 {
			seen = seen.and(l.observe(fact{annotation: template}))
		}
	}
	return seen
}

// observePod asks a pod that reloads for its keys, and reads the annotation of any other pod.
func (l *model) observePod(side int, p pod) observation {
	switch {
	case !p.live():
		return observation{}
	case l.reloads(side):
		return l.observe(fact{answers: l.contents[p.content].annotation})
	default:
		return l.observe(fact{annotation: p.annotation})
	}
}

func (l *model) reloads(side int) bool { return side == backend && !l.restart }

func (l *model) fleet(seen observation) keyring.Fleet {
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

// question holds everything that a decision depends on, and answer its result.
type question struct {
	now, revokeBefore, written uint16
	generated, offered         uint8
	manager                    int
	ring                       id
	recovery                   [2]id
	seen                       [2]observation
	mode                       mode
}

type answer struct {
	failed    bool
	ring      id
	write     [objects]id
	action    keyring.Action
	phase     keyring.Phase
	generates bool
	waiting   bool
	pending   bool
	// held says that the status tells of a rotation that is held.
	held    bool
	revoked versionSet
	due     time.Duration
	// drifted says that a Secret is not the projection of the ring that was read.
	drifted bool
	// revokeBefore is the revocation in the TodoApp that was read.
	revokeBefore uint16
}

// ends reports whether the status says that nothing waits for a pod and no revocation is pending.
func (a answer) ends() bool { return a.action == keyring.ActionNone && !a.waiting && !a.pending }

// decide returns the decision of the real Next on live reads, with the real projections.
func (l *model) decide(w *clusterState, m int, ring id, recovery [2]id, as mode) answer {
	return l.answer(w, question{
		now: w.now, revokeBefore: w.revokeBefore, written: w.written, generated: w.generated, offered: w.offered, manager: m,
		ring: ring, recovery: recovery, seen: [2]observation{l.observation(w, backend), l.observation(w, frontend)}, mode: as,
	})
}

// answer asks each question once.
func (l *model) answer(w *clusterState, q question) answer {
	known, ok := l.decisions[q]
	if !ok {
		asked := *w
		asked.revokeBefore = q.revokeBefore
		known = l.ask(&asked, q)
		known.revokeBefore = q.revokeBefore
		l.decisions[q] = known
	}
	return known
}

func (l *model) ask(w *clusterState, q question) answer {
	var a answer
	in := keyring.Inputs{
		Now: at(q.now), Policy: l.policy(w), Verifiers: l.fleet(q.seen[backend]), Signers: l.fleet(q.seen[frontend]),
		HoldRotation: q.mode == held,
		Recovery: keyring.Recovery{Frontend: l.found(w, q, frontend), Backend: l.found(w, q, backend),
			FrontendProof: l.contents[q.recovery[frontend]].proof, BackendProof: l.contents[q.recovery[backend]].proof},
		Fresh: func() keyring.Value {
			a.generates = true
			return keyring.Value(sentinel + "-" + strconv.Itoa(q.manager) + "-" + strconv.Itoa(int(q.generated)))
		},
	}
	in.Projected = in.Recovery
	if q.offered > 0 {
		in.Source = keyring.Value(offer(q.offered))
	}
	in.Signers.ExternallyManaged, in.Signers.WrittenAt = l.unseen, at(q.written)
	if q.mode == paused {
		return l.status(q, in)
	}
	step, err := l.protocol.next(l.rings[q.ring], in)
	if err != nil {
		return answer{failed: true}
	}
	generates := a.generates
	a = told(step)
	a.ring, a.generates = l.ringID(step.Ring), generates
	for side, read := range q.recovery {
		a.drifted = a.drifted || q.ring <= junk || !l.projects(l.protocol.projection(l.rings[q.ring], side, in.Now, in.Policy), read)
	}
	a.write[keyringSecret] = a.ring
	a.write[backendSecret] = l.contentID(l.protocol.projection(step.Ring, backend, in.Now, in.Policy))
	a.write[frontendSecret] = l.contentID(l.protocol.projection(step.Ring, frontend, in.Now, in.Policy))
	a.write[backendTemplate] = l.contents[a.write[backendSecret]].annotation
	a.write[frontendTemplate] = l.contents[a.write[frontendSecret]].annotation
	l.checkStep(q, step, in, a)
	return a
}

// told returns the part of an answer that the status tells.
func told(step keyring.Step) answer {
	a := answer{action: step.Action, phase: step.Phase, waiting: len(step.Waiting) > 0, held: step.Held, due: step.DueIn,
		pending: step.RevocationDue || step.RevocationUnproven}
	for _, k := range step.Ring.Keys {
		if !k.RevokedAt.IsZero() {
			a.revoked |= 1 << k.Version
		}
	}
	return a
}

// projects reports whether a Secret has the data of a projection.
func (l *model) projects(p keyring.Projection, secret id) bool {
	data := l.data(secret)
	for entry, value := range p.Data {
		if string(data[entry]) != value {
			return false
		}
	}
	return true
}

// offer returns the nth value of a source.
func offer(n uint8) string { return sentinel + "-offered-" + strconv.Itoa(int(n)) }

// found returns the data of a Secret. A manager that projects wrongly takes its own output for right.
func (l *model) found(w *clusterState, q question, side int) map[string][]byte {
	ring := l.rings[q.ring]
	if l.misprojects && !ring.Empty() {
		now, policy := at(q.now), l.policy(w)
		if q.recovery[side] == l.contentID(l.protocol.projection(ring, side, now, policy)) {
			return l.data(l.contentID(project(ring, side, now, policy)))
		}
	}
	return l.data(q.recovery[side])
}

func (l *model) data(secret id) map[string][]byte {
	switch secret {
	case 0:
		return nil
	case junk:
		return map[string][]byte{keyring.EntrySecrets: []byte("junk")}
	default:
		return l.contents[secret].data
	}
}

// checkStep checks that a held rotation does not begin, and that no step without a transition is due early.
func (l *model) checkStep(q question, step keyring.Step, in keyring.Inputs, a answer) {
	switch {
	case q.mode == held && a.action == keyring.ActionPublish:
		l.overdue = "10: a rotation begins though it is held"
	case a.action == keyring.ActionNone && !l.misprojects:
		l.checkDue(step, in, a)
	}
}

// checkDue checks that a step without a transition is not due before the moment that it names.
func (l *model) checkDue(step keyring.Step, in keyring.Inputs, a answer) {
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
