package keyring_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// The model is a small world around the real Next, Frontend, Backend, Marshal and Unmarshal: two backend and two
// frontend pods, the Secrets and workloads, one or two managers that can be cut off before each write, and a clock that
// jumps from deadline to deadline. What it takes for granted of a cluster:
//
//   - a container that starts is given Secrets no older than its pod (environments), or what another live pod on its
//     node has mounted (files); a node without such a pod reads them anew;
//   - a mounted Secret is delivered at any later moment or never, and an unreadable one leaves the last good keys;
//   - while a rollout is not complete, pods of the earlier revision may still be started;
//   - a Secret, workload or ring that was written since it was read refuses the write.

// The two sides of an app.
const (
	backend = iota
	frontend
)

// What managers write, in this order.
const (
	keyringSecret = iota
	backendSecret
	frontendSecret
	backendTemplate
	frontendTemplate
	objects
)

// id stands for a ring, the content of a Secret or an annotation in the tables of the lab; zero is none.
type id uint16

// junk is a ring or a Secret that somebody spoilt.
const junk id = 1

// maxVersions bounds the versions that a run may come to, plus one.
const maxVersions = 16

// versionSet has bit v for version v.
type versionSet uint16

func (s versionSet) has(version uint8) bool { return s&(1<<version) != 0 }

// world is one state. It is comparable, and two worlds that no invariant can tell apart are equal.
type world struct {
	now          uint16
	revokeBefore uint16
	// ring is the keyring, and backup an earlier one that may be restored.
	ring, backup id
	secret       [2]id
	side         [2]workload
	manager      [2]manager
	// written is when the frontend's Secret took the key that it signs with, takeUp until when the frontend must have taken
	// up the first one that it has not, zero for none; only where the frontend is unseen.
	written, takeUp uint16
	// signed is when each version was last signed with, plus one, until the last token of then has expired.
	signed [maxVersions]uint16
	// known is the value that each version stood for when a Secret first held it.
	known [maxVersions]id
	// active is the version that the frontend's Secret last signed with, minted how many values were generated.
	active, minted uint8
	// revoked are the versions that lost their trust; announced once both Secrets say so, confirmed once the operator has
	// said that every pod knows, revoking until they do. Forgotten are those of whose values nothing is left.
	revoked, forgotten             versionSet
	announced, confirmed, revoking bool
	// offered is what the source offers, and the rest how often the owner may change it, revoke, or lose a Secret.
	offered, changes, revocations, faults uint8
}

// workload is the pods of one side: each slot is a node. Old is an earlier annotation that pods may still be started
// with.
type workload struct {
	template, old id
	slots         [2]slot
}

// slot is a pod and, while it is terminating, the one before it. Pending is a pod that has no node yet: it has an annotation,
// and the content junk.
type slot struct{ main, dying, pending pod }

// pod is a live pod, if it has content: what it read of its Secret, and the annotation that it was started with.
type pod struct{ annotation, content id }

func (p pod) live() bool { return p.content != 0 }

// pods are the live pods of a side, those on their way out included.
func (w *workload) pods() []pod {
	pods := make([]pod, 0, 4)
	for _, s := range w.slots {
		if s.main.live() {
			pods = append(pods, s.main)
		}
		if s.dying.live() {
			pods = append(pods, s.dying)
		}
	}
	return pods
}

// manager is a reconcile under way: what was read, and what is still to be written. Stale has a bit for each object
// that has changed since it was read.
type manager struct {
	stage          stage
	read, write    [objects]id
	stale          uint8
	mints, revokes bool
}

type stage uint8

// The stages of a reconcile.
const (
	idle stage = iota
	reading
	writing
)

// ticks of the model's policy. A tick is a minute.
const (
	interval    = 40
	maxLifetime = 5
	leeway      = 1
	handover    = 3
	horizon     = 2*interval + 15
)

func at(tick uint16) time.Time { return epoch.Add(time.Duration(tick) * time.Minute) }

func tickOf(t time.Time) uint16 { return uint16(t.Sub(epoch) / time.Minute) }

func (l *lab) policy(w *world) keyring.Policy {
	p := keyring.Policy{
		Interval: interval * time.Minute, MaxLifetime: maxLifetime * time.Minute, Leeway: leeway * time.Minute,
		SessionLifetime: maxLifetime * time.Minute, HandoverPeriod: handover * time.Minute,
		HistoryLimit: l.historyLimit, KeepRevoked: l.keepRevoked, ExternallySourced: l.changes > 0,
	}
	if w.revokeBefore > 0 {
		p.RevokeBefore = at(w.revokeBefore)
	}
	return p
}

// usable reports whether a pod can start with a Secret.
func usable(secret id) bool { return secret > junk }

// settled brings a world into its canonical form: nodes in order, signatures noted, expired tokens forgotten.
func (l *lab) settled(w world) world {
	for side := range w.side {
		slots := &w.side[side].slots
		if slices.CompareFunc(slots[:1], slots[1:], compareSlots) > 0 {
			slots[0], slots[1] = slots[1], slots[0]
		}
	}
	for _, p := range w.side[frontend].pods() {
		w.signed[l.contents[p.content].signs] = w.now + 1
	}
	for v := range w.signed {
		if w.signed[v] > 0 && (w.now > w.signed[v]-1+maxLifetime || w.revoked.has(uint8(v))) {
			w.signed[v] = 0
		}
	}
	l.forgive(&w)
	if w.revoking && l.projected(&w) && len(l.unaware(&w)) == 0 {
		w.revoking = false
	}
	return w
}

func compareSlots(a, b slot) int {
	order := func(s slot) uint64 {
		return uint64(s.main.annotation)<<48 | uint64(s.main.content)<<32 |
			uint64(s.dying.annotation)<<16 | uint64(s.dying.content)
	}
	return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a.pending.annotation, b.pending.annotation),
		cmp.Compare(a.pending.content, b.pending.content))
}

// projected reports whether no Secret offers a revoked key any more, so that pods to come will not have it.
func (l *lab) projected(w *world) bool {
	front, back := &l.contents[w.secret[frontend]], &l.contents[w.secret[backend]]
	return usable(w.secret[frontend]) && usable(w.secret[backend]) && (front.carried|back.trusts)&w.revoked == 0
}

// unaware lists the pods that a revocation has not reached.
func (l *lab) unaware(w *world) []pod {
	var pods []pod
	for side := range w.side {
		for _, p := range w.side[side].pods() {
			c := &l.contents[p.content]
			known := c.trusts
			if side == frontend {
				known = c.carried | 1<<c.signs
			}
			if known&w.revoked != 0 || !c.trusts.has(w.active) {
				pods = append(pods, p)
			}
		}
	}
	return pods
}
