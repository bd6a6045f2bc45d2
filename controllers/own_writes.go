package controllers

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// longestLag is how long a reconcile waits for the cache to show the operator's own writes. After that it plans on live reads.
const longestLag = 2 * time.Second

// ownWrites remembers which objects the operator has written, by app, until the cache shows the writes. Without it a reconcile on
// a cache that lags would plan the same writes again.
type ownWrites struct {
	mutex sync.Mutex
	apps  map[types.NamespacedName]pending
}

// pending holds the writes of one app that the cache has yet to show.
type pending struct {
	writes []ownWrite
	last   time.Time
}

// ownWrite is one write of an object.
type ownWrite struct {
	kind schema.GroupVersionKind
	name string
	// before is the resourceVersion that was replaced. It is empty if the object was created.
	before string
}

// note remembers a write that replaced a resourceVersion by another one. A write that changed nothing leaves the version as it is.
func (o *ownWrites) note(app types.NamespacedName, write ownWrite, after string) {
	if write.before == after {
		return
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.apps == nil {
		o.apps = map[types.NamespacedName]pending{}
	}
	known := o.apps[app]
	o.apps[app] = pending{append(known.writes, write), time.Now()}
}

// take returns the writes of an app that the cache has yet to show, and forgets them.
func (o *ownWrites) take(app types.NamespacedName) pending {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	known := o.apps[app]
	delete(o.apps, app)
	return known
}

// keep remembers writes that the cache still does not show. One worker at a time reconciles an app, so there are no others.
func (o *ownWrites) keep(app types.NamespacedName, left pending) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.apps[app] = left
}

// lag tells whether the cache shows the operator's own writes.
type lag int

const (
	inStep lag = iota
	// behind means that the cache will show the writes soon. The event of each write enqueues the app.
	behind
	// tooLong means that the cache did not show the writes in time.
	tooLong
)

// lagOf compares the cache with the operator's own writes of an app.
func (r *Reconciler) lagOf(ctx context.Context, app client.Object) (lag, error) {
	key := client.ObjectKeyFromObject(app)
	left := r.ownWrites.take(key)
	for len(left.writes) > 0 {
		shown, err := r.shows(ctx, app, left.writes[0])
		if err != nil {
			return inStep, err
		}
		if !shown {
			break
		}
		left.writes = left.writes[1:]
	}
	switch {
	case len(left.writes) == 0:
		return inStep, nil
	case time.Since(left.last) > longestLag:
		return tooLong, nil
	}
	r.ownWrites.keep(key, left)
	return behind, nil
}

// shows reports whether the cache has an object as a write left it, or in a later version.
func (r *Reconciler) shows(ctx context.Context, app client.Object, write ownWrite) (bool, error) {
	if write.kind.Kind == "TodoApp" {
		return app.GetResourceVersion() != write.before, nil // it was read from the cache
	}
	object, err := r.objectOf(write.kind)
	if err != nil {
		return false, err
	}
	err = r.Client.Get(ctx, client.ObjectKey{Namespace: app.GetNamespace(), Name: write.name}, object)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading %s %s: %w", write.kind.Kind, write.name, err)
	}
	if apierrors.IsNotFound(err) {
		return write.before != "", nil // it was deleted since
	}
	return object.GetResourceVersion() != write.before, nil
}

// objectOf returns an empty object of a kind.
func (r *Reconciler) objectOf(kind schema.GroupVersionKind) (client.Object, error) {
	if kind == routeKind {
		return newRoute(), nil
	}
	object, err := r.Client.Scheme().New(kind)
	if err != nil {
		return nil, fmt.Errorf("making an object of kind %s: %w", kind.Kind, err)
	}
	return object.(client.Object), nil //nolint:forcetypeassert // every kind with a name is one
}
