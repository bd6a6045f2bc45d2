package keyring_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// The model is a small cluster around the real Next, Frontend, Backend, Marshal and Unmarshal. It has two backend and two
// frontend pods, the Secrets and workloads, one or two managers that can be interrupted before each write, and a clock that
// jumps from deadline to deadline. It assumes of a cluster:
//
//   - a container that starts receives Secrets no older than its pod (environments), or the files that another live pod on its
//     node has mounted; a node without such a pod reads them again;
//   - a mounted Secret is updated at any later moment or never, and an unreadable one leaves the last good keys;
//   - while a rollout is not complete, pods of the earlier revision may still be started;
//   - a Secret, workload or ring that was written since it was read refuses the write;
//   - a cache of Secrets shows them as they were at some earlier moment, in the order of writes, but at least with the manager's
//     own writes; the cache of pods may show the present pods or none.

// The two components of an app.
const (
	backend = iota
	frontend
)

// The objects that managers write, in this order.
const (
	keyringSecret = iota
	backendSecret
	frontendSecret
	backendTemplate
	frontendTemplate
	objects
)

// id is the index of a ring, the content of a Secret or an annotation in the tables of the model; zero is none.
type id uint16

// junk is a ring or a Secret that a user made unreadable.
const junk id = 1

// maxVersions is one more than the highest version of a run.
const maxVersions = 16

// versionSet has bit v for version v.
type versionSet uint16

func (s versionSet) has(version uint8) bool { return s&(1<<version) != 0 }

// clusterState is one state of the model. It is comparable, and two states that no invariant distinguishes are equal.
type clusterState struct {
	now          uint16
	revokeBefore uint16
	// ring is the keyring, and backup an earlier one that may be restored.
	ring, backup id
	secret       [2]id
	side         [2]workload
	manager      [2]manager
	// written is when the active key was written to the frontend's Secret. takeUp is when the frontend must have loaded the
	// first key that it has not loaded; zero for none. Both are set only if the frontend is externally managed.
	written, takeUp uint16
	// signed is when each version was last signed with, plus one, until the last token of then has expired.
	signed [maxVersions]uint16
	// known is the value of each version when a Secret first held it.
	known [maxVersions]id
	// active is the version that the frontend's Secret last signed with. generated counts the generated values.
	active, generated uint8
	// revoked holds the revoked versions. announced is set once both Secrets say so, confirmed once the operator has reported
	// that every pod knows, and revoking until every pod knows. forgotten holds the versions whose values are lost.
	revoked, forgotten             versionSet
	announced, confirmed, revoking bool
	// owed holds the versions that the owner wants revoked and that no ring has revoked yet. missed is set once the operator has
	// reported that nothing is to be revoked, and uses one of them.
	owed   versionSet
	missed bool
	// complete is set while the status says that nothing waits. revokedEarlier is the revocation before the latest one, which a
	// cache of TodoApps may still show.
	complete       bool
	revokedEarlier uint16
	// offered is the value of the source. The others count how often the owner may still change it, revoke, or lose a Secret.
	offered, changes, revocations, faults uint8
}

// workload holds the pods of one component: each slot is a node. old is an earlier annotation that a new pod may still have.
type workload struct {
	template, old id
	slots         [2]slot
}

// slot holds a pod and, while it terminates, its predecessor. pending is a pod without a node: it has an annotation, and the
// content junk.
type slot struct{ main, dying, pending pod }

// pod is a pod, which is live if it has content. It has the content that it read of its Secret, and its annotation.
type pod struct{ annotation, content id }

func (p pod) live() bool { return p.content != 0 }

// pods returns the live pods of a component, including those that terminate.
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

// manager is a reconcile in progress: the objects read, and those still to be written. stale has a bit for each object that has
// changed since it was read.
type manager struct {
	stage              stage
	read, write        [objects]id
	stale              uint8
	generates, revokes bool
	// waits says that the status will tell of something to wait for.
	waits bool
	cache cache
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

func (l *model) policy(w *clusterState) keyring.Policy {
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

// settled returns a state in its canonical form: nodes sorted, signatures recorded, expired tokens removed.
func (l *model) settled(w clusterState) clusterState {
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

// projected reports whether no Secret holds a revoked key any more, so that a new pod will not have it.
func (l *model) projected(w *clusterState) bool {
	front, back := &l.contents[w.secret[frontend]], &l.contents[w.secret[backend]]
	return usable(w.secret[frontend]) && usable(w.secret[backend]) && (front.carried|back.trusts)&w.revoked == 0
}

// unaware returns the pods that a revocation has not reached.
func (l *model) unaware(w *clusterState) []pod {
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
