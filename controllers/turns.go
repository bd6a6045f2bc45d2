package controllers

import (
	"context"
	"net/http"
	"sync"
	"time"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// longestYield bounds how long a request waits for urgent apps, so that a stream of them delays the others and never stops them.
const longestYield = 100 * time.Millisecond

// Turns lets the requests of urgent apps go first: while a worker reconciles an app that is revoked or has no keys yet, the
// requests of the other workers wait. The order in the queue alone is not enough, because the API server answers all workers at
// once. The zero value is ready for use.
type Turns struct {
	mutex  sync.Mutex
	urgent int
	// clear is closed when the last urgent app is done. It is nil while there is none.
	clear chan struct{}
}

// yielding marks the context of a reconcile whose requests wait for urgent apps.
type yielding struct{}

// begin begins the turn of an app. The returned function ends it.
func (t *Turns) begin(ctx context.Context, urgent bool) (turn context.Context, end func()) {
	if t == nil {
		return ctx, func() {}
	}
	if !urgent {
		return context.WithValue(ctx, yielding{}, true), func() {}
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.urgent++; t.clear == nil {
		t.clear = make(chan struct{})
	}
	return ctx, t.end
}

func (t *Turns) end() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.urgent--; t.urgent == 0 {
		close(t.clear)
		t.clear = nil
	}
}

// yield waits until no urgent app is reconciled, for longestYield at most.
func (t *Turns) yield(ctx context.Context) {
	t.mutex.Lock()
	clear := t.clear
	t.mutex.Unlock()
	if clear == nil || ctx.Value(yielding{}) == nil {
		return
	}
	timer := time.NewTimer(longestYield)
	defer timer.Stop()
	select {
	case <-clear:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Wrap returns a transport whose requests wait for their turn. It is for the client of the manager.
func (t *Turns) Wrap(next http.RoundTripper) http.RoundTripper { return turnTaker{t, next} }

// turnTaker is a transport that waits before each request.
type turnTaker struct {
	turns *Turns
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t turnTaker) RoundTrip(request *http.Request) (*http.Response, error) {
	t.turns.yield(request.Context())
	return t.next.RoundTrip(request) //nolint:wrapcheck // a transport returns the errors of the transport below
}

// urgent reports whether an app must not wait for others: a leaked key is trusted meanwhile, or an app cannot start.
func urgent(app *todov1.TodoApp, at time.Time) bool {
	return priority(app, at, priorityUnderWay) >= priorityNew
}
