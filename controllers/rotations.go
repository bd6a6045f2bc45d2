package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// busyFor is how long a rotation counts from the creation of its key. After that the operator has written everything and only
// waits for pods, so a rotation that is stuck keeps no other from beginning.
const busyFor = 10 * time.Second

// Rotations bounds how many apps begin a rotation at the same time, so that each rotation takes seconds instead of as long as all
// of them together. It never delays a revocation, a new app or a rotation under way. If it is nil, there is no bound.
type Rotations struct {
	limit int

	mutex sync.Mutex
	// restored says that busy includes the rotations that another process began.
	restored bool
	// busy holds the apps in Publishing, and the apps that were told to begin, with the time since which each counts.
	busy map[types.NamespacedName]time.Time
	// waiting lists the apps whose rotation is held, the first to begin first.
	waiting []types.NamespacedName
	// queue receives the apps that may begin.
	queue priorityqueue.PriorityQueue[reconcile.Request]
}

// NewRotations returns Rotations with a limit; zero is no limit.
func NewRotations(limit int) *Rotations {
	if limit == 0 {
		return nil
	}
	return &Rotations{limit: limit, busy: map[types.NamespacedName]time.Time{}}
}

// Start implements source.Func: it adds apps to the queue when their rotation may begin.
func (b *Rotations) Start(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	apps, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request])
	if b == nil || !ok {
		return nil // without a bound no rotation is held
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.queue = apps
	go b.run(ctx)
	return nil
}

// run lets rotations begin when stuck rotations no longer count.
func (b *Rotations) run(ctx context.Context) {
	for tick := time.Tick(time.Second); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-tick:
			b.mutex.Lock()
			b.advance(now)
			b.mutex.Unlock()
		}
	}
}

// next returns the step that a ring takes now. It holds a rotation that would begin while too many others are busy.
func (r *Reconciler) next(ctx context.Context, app *todov1.TodoApp, ring keyring.Ring, in keyring.Inputs) (keyring.Step, error) {
	in.HoldRotation = r.Rotations != nil && !app.Paused() // the plan of a paused app is only shown
	step, err := keyring.Next(ring, in)
	if err != nil {
		return step, err
	}
	key := client.ObjectKeyFromObject(app)
	if step.Held {
		if err := r.Rotations.restore(ctx, r.Client); err != nil {
			return step, err
		}
		if in.HoldRotation = !r.Rotations.admit(key, in.Now); !in.HoldRotation {
			step, err = keyring.Next(ring, in)
		}
	}
	r.Rotations.observe(key, step, in.Now)
	return step, err
}

// restore reads the rotations under way from the status of the cached apps, once: a manager that was restarted, or has become the
// leader, must count the rotations that it did not begin.
func (b *Rotations) restore(ctx context.Context, reader client.Reader) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.restored {
		return nil
	}
	var apps todov1.TodoAppList
	if err := reader.List(ctx, &apps, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the rotations under way: %w", err)
	}
	for i := range apps.Items {
		app := &apps.Items[i]
		key := client.ObjectKeyFromObject(app)
		if _, known := b.busy[key]; !known && phaseOf(app) == todov1.RotationPublishing && app.Status.Rotation.StartedAt != nil {
			b.busy[key] = app.Status.Rotation.StartedAt.Time
		}
	}
	b.restored = true
	return nil
}

// admit reports whether an app may begin its rotation now. If not, the app is enqueued when its turn comes.
func (b *Rotations) admit(app types.NamespacedName, now time.Time) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.advance(now)
	if _, ok := b.busy[app]; ok {
		return true
	}
	if len(b.busy) < b.limit {
		b.busy[app] = now
		return true
	}
	if !slices.Contains(b.waiting, app) {
		b.waiting = append(b.waiting, app)
	}
	return false
}

// observe records the phase of an app's rotation after a step, and lets others begin if the app no longer publishes a key.
func (b *Rotations) observe(app types.NamespacedName, step keyring.Step, now time.Time) {
	switch {
	case b == nil || step.Held:
	case step.Phase == keyring.PhasePublishing:
		b.mutex.Lock()
		defer b.mutex.Unlock()
		b.busy[app] = step.Ring.Keys[len(step.Ring.Keys)-1].CreatedAt
	default:
		b.forget(app, now)
	}
}

// forget ends the turn of an app, or takes it off the apps that wait.
func (b *Rotations) forget(app types.NamespacedName, now time.Time) {
	if b == nil {
		return
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.busy, app)
	b.waiting = slices.DeleteFunc(b.waiting, func(other types.NamespacedName) bool { return other == app })
	b.advance(now)
}

// advance forgets the rotations that have counted for long enough, and tells the first apps that wait to begin. An app that then
// fails to begin is forgotten in the same way.
func (b *Rotations) advance(now time.Time) {
	maps.DeleteFunc(b.busy, func(_ types.NamespacedName, since time.Time) bool { return now.Sub(since).Abs() >= busyFor })
	free := min(len(b.waiting), max(b.limit-len(b.busy), 0))
	for _, app := range b.waiting[:free] {
		b.busy[app] = now
		b.queue.AddWithOpts(priorityqueue.AddOpts{Priority: new(priorityDue)}, reconcile.Request{NamespacedName: app})
	}
	b.waiting = slices.Delete(b.waiting, 0, free)
}

// forgetDeleted drops everything that is in memory about a deleted app.
func (r *Reconciler) forgetDeleted(
	_ context.Context, deleted event.DeleteEvent, _ workqueue.TypedRateLimitingInterface[reconcile.Request],
) {
	key := client.ObjectKeyFromObject(deleted.Object)
	r.Verifiers.forget(key)
	r.Rotations.forget(key, r.Now())
	r.ownWrites.take(key)
}
