package controllers

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// The priorities of apps in the queue. A higher number is reconciled first.
const (
	// priorityRevocation is for a revocation until it is complete: a leaked key is trusted meanwhile.
	priorityRevocation = 500
	// priorityNew is for an app without keys.
	priorityNew = 400
	// priorityChanged is for a changed spec.
	priorityChanged = 300
	// priorityUnderWay is for a rotation under way, so that it ends before others begin, and for events about an app.
	priorityUnderWay = 200
	// priorityDue is for a rotation that is to begin.
	priorityDue = 100
	// priorityPoll is for an app that is read again only because time has passed, or because it failed.
	priorityPoll = 0
	// priorityInitial is for the initial list of a cache.
	priorityInitial = handler.LowPriority
)

// priority returns the priority of a cached app at a moment, if it is enqueued with another priority for the reason that the
// argument gives.
func priority(app *todov1.TodoApp, at time.Time, reason int) int {
	switch {
	case revoking(app, at):
		return priorityRevocation
	case len(app.Status.Keys) == 0 && (app.Status.ObservedGeneration == 0 || reason >= priorityUnderWay):
		return priorityNew
	case app.Generation != app.Status.ObservedGeneration:
		return priorityChanged
	case phaseOf(app) == todov1.RotationPublishing, phaseOf(app) == todov1.RotationPromoting:
		return max(reason, priorityUnderWay)
	case rotationDue(app, at):
		return max(reason, priorityDue)
	default:
		return reason
	}
}

func phaseOf(app *todov1.TodoApp) todov1.RotationPhase {
	if app.Status.Rotation == nil {
		return ""
	}
	return app.Status.Rotation.Phase
}

// revoking reports whether a revocation is asked for and not complete. The status of an app whose revocation has just become due is
// still that of the time before it, so it counts only if it lists the key as revoked. It lists times to the second.
func revoking(app *todov1.TodoApp, at time.Time) bool {
	before := app.Spec.Auth.Rotation.RevokeBefore
	if before == nil || before.After(at) {
		return false
	}
	complete := app.Generation == app.Status.ObservedGeneration &&
		meta.IsStatusConditionTrue(app.Status.Conditions, todov1.ConditionRotationComplete)
	return slices.ContainsFunc(app.Status.Keys, func(key todov1.KeyStatus) bool {
		if key.RevokedAt != nil { // with the active key or later, so not in an earlier rotation
			return !complete && phaseOf(app) == todov1.RotationPromoting && !key.RevokedAt.Before(app.Status.Rotation.Last)
		}
		return key.CreatedAt != nil && key.CreatedAt.Time.Before(before.Truncate(time.Second))
	})
}

// rotationDue reports whether a moment has come that the schedule or the spec sets for a rotation. The status lists times to the
// second.
func rotationDue(app *todov1.TodoApp, at time.Time) bool {
	if r := app.Status.Rotation; r != nil && r.Next != nil && !r.Next.After(at) {
		return true
	}
	asked := app.Spec.Auth.Rotation.RotateAfter
	if asked == nil || asked.After(at) {
		return false
	}
	return slices.ContainsFunc(app.Status.Keys, func(key todov1.KeyStatus) bool {
		return key.State == todov1.KeyActive && key.CreatedAt != nil && key.CreatedAt.Time.Before(asked.Truncate(time.Second))
	})
}

// newQueue returns the controller's queue.
func (r *Reconciler) newQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request],
) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	ctx, stop := context.WithCancel(context.Background())
	return appQueue{
		PriorityQueue: priorityqueue.New(name, func(o *priorityqueue.Opts[reconcile.Request]) { o.RateLimiter = limiter }),
		priority: func(key types.NamespacedName, after time.Duration, reason int) int {
			app := &todov1.TodoApp{}
			if err := r.Client.Get(ctx, key, app, client.UnsafeDisableDeepCopy); err != nil {
				return reason // a deleted app, or the cache is stopping
			}
			return priority(app, r.Now().Add(after), reason)
		},
		stop: stop,
	}
}

// appQueue is a queue that gives each app the priority of its cached state. An app has one place in the queue, for all its
// events: a revocation is not delayed by an earlier event of low priority.
type appQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	// priority returns the priority that an app has after a time, if it is enqueued for a reason.
	priority func(app types.NamespacedName, after time.Duration, reason int) int
	stop     context.CancelFunc
}

// Add implements workqueue.TypedInterface.
func (q appQueue) Add(app reconcile.Request) { q.AddWithOpts(priorityqueue.AddOpts{}, app) }

// AddAfter implements workqueue.TypedDelayingInterface.
func (q appQueue) AddAfter(app reconcile.Request, after time.Duration) {
	q.AddWithOpts(priorityqueue.AddOpts{After: after}, app)
}

// AddRateLimited implements workqueue.TypedRateLimitingInterface.
func (q appQueue) AddRateLimited(app reconcile.Request) {
	q.AddWithOpts(priorityqueue.AddOpts{RateLimited: true}, app)
}

// AddWithOpts implements priorityqueue.PriorityQueue. The controller passes the previous priority of an app that it adds again
// later, which does not count.
func (q appQueue) AddWithOpts(o priorityqueue.AddOpts, apps ...reconcile.Request) {
	reason := priorityUnderWay
	switch {
	case o.After > 0 || o.RateLimited:
		reason = priorityPoll
	case o.Priority != nil:
		reason = *o.Priority
	}
	for _, app := range apps {
		o.Priority = new(q.priority(app.NamespacedName, o.After, reason))
		q.PriorityQueue.AddWithOpts(o, app)
	}
}

// ShutDown implements workqueue.TypedInterface.
func (q appQueue) ShutDown() {
	q.stop()
	q.PriorityQueue.ShutDown()
}
