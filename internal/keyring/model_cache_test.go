package keyring_test

import (
	"slices"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// cache is a manager's cache of Secrets. If lags is set, it may show the Secrets as they were at an earlier moment.
type cache struct {
	lags    bool
	secrets [3]id
	// changed has a bit for each that was written since. A write on the earlier state of it fails, even if the content is the same.
	changed uint8
	// wrote says that the manager has written one of them in this reconcile.
	wrote bool
}

// showing returns the cache after the manager has waited for its own writes.
func (c cache) showing() cache {
	if c.wrote {
		return cache{}
	}
	return c
}

// forgetting returns the cache of a manager that takes the place of one that was cut off. It does not know of the writes.
func (c cache) forgetting() cache {
	c.wrote = false
	return c
}

// secrets returns the three Secrets, in the order of the objects.
func (w *clusterState) secrets() [3]id {
	return [3]id{w.ring, w.secret[backend], w.secret[frontend]}
}

// hide has the caches still show the Secrets as they were before an object was written.
func (l *model) hide(w *clusterState, before [3]id, o int) {
	if !l.lag || o > frontendSecret {
		return
	}
	for m := range l.managers {
		c := &w.manager[m].cache
		if !c.lags {
			c.lags, c.secrets = true, before
		}
		c.changed |= 1 << o
	}
}

// view holds the Secrets that a manager reads from its cache. stale has a bit for each that was written since.
type view struct {
	secrets [3]id
	stale   uint8
}

// views returns the Secrets that a manager may read from its cache, all three at one moment. If the cache lacks a projection,
// the manager reads the projection and then the ring from the API server.
func (l *model) views(w *clusterState, m int) []view {
	now, c := w.secrets(), w.manager[m].cache
	views := []view{{secrets: now}}
	if !c.lags {
		return views
	}
	old := c.secrets
	views = append(views, l.completed(w, view{old, c.changed}))
	if l.protocol.tornReads {
		const ring, back, front = 1 << keyringSecret, 1 << backendSecret, 1 << frontendSecret
		views = append(views, l.completed(w, view{[3]id{now[0], old[1], old[2]}, c.changed &^ ring}),
			l.completed(w, view{[3]id{now[0], old[1], now[2]}, c.changed &^ (ring | front)}),
			l.completed(w, view{[3]id{now[0], now[1], old[2]}, c.changed &^ (ring | back)}))
	}
	return views
}

// completed reads from the API server what a view lacks. A keyring is not read if there is no projection: it is created, which
// fails if there is one.
func (l *model) completed(w *clusterState, v view) view {
	now := w.secrets()
	if v.secrets == [3]id{} && now[backendSecret] == 0 && now[frontendSecret] == 0 {
		if now[keyringSecret] != 0 {
			v.stale |= 1 << keyringSecret
		}
		return v
	}
	for o := range v.secrets {
		if v.secrets[o] == 0 {
			v.secrets[o], v.secrets[keyringSecret] = now[o], now[keyringSecret]
			v.stale &^= 1<<o | 1<<keyringSecret
		}
	}
	return v
}

// cachedMoves returns the moves in which a manager plans on its caches and carries the plan out.
func (l *model) cachedMoves(w *clusterState, m int) []move {
	if !l.lag {
		return nil
	}
	specs := []uint16{w.revokeBefore}
	if w.revokedEarlier < w.revokeBefore {
		specs = append(specs, w.revokedEarlier)
	}
	pods := [][2]observation{{l.observation(w, backend), l.observation(w, frontend)}, {}}
	var moves []move
	for _, v := range l.views(w, m) {
		for _, spec := range specs {
			for _, seen := range pods {
				for _, as := range l.cachedModes() {
					if after, ok := l.cached(*w, m, v, spec, seen, as); ok && after != *w &&
						!slices.ContainsFunc(moves, func(other move) bool { return other.after == after }) {
						moves = append(moves, move{what: as.of("manager %d decides on its caches"), who: m, after: after})
					}
				}
			}
		}
	}
	return moves
}

// cached plans on a view of the caches. It reports whether the plan is carried out without live reads.
func (l *model) cached(w clusterState, m int, v view, spec uint16, seen [2]observation, as mode) (clusterState, bool) {
	w = l.begin(w, m)
	mgr := &w.manager[m]
	copy(mgr.read[:], v.secrets[:])
	mgr.stale = v.stale
	a := l.answer(&w, question{
		now: w.now, revokeBefore: spec, written: w.written, generated: w.generated, offered: w.offered, manager: m,
		ring: mgr.ring(), recovery: mgr.projections(), seen: seen, mode: as,
	})
	switch {
	case as == paused:
		return l.rest(l.tell(w, m, a), m), true
	case a.failed || l.needsLiveReads(&w, a):
		return w, false
	}
	return l.plan(w, m, a), true
}

// needsLiveReads reports whether a plan rests on evidence that no resourceVersion protects, as in the controllers.
func (l *model) needsLiveReads(w *clusterState, a answer) bool {
	if l.protocol.believesCache != nil && l.protocol.believesCache(a) {
		return false
	}
	switch a.action {
	case keyring.ActionNone, keyring.ActionCreate:
		return a.ends() && !w.complete
	case keyring.ActionPublish, keyring.ActionRevoke:
		return a.drifted
	}
	return true
}
