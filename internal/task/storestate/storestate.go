// Package storestate follows whether a task.Store serves, is full or fails, from the outcome of its calls.
package storestate

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
)

// State is what the store can do.
type State string

// The states of a store. A new store serves until a call fails.
const (
	Serving State = "serving"
	Full    State = "full"    // it reads and deletes, but has no space for more
	Failing State = "failing" // it cannot be reached, or calls fail
)

// States lists all of them.
func States() []State { return []State{Serving, Full, Failing} }

// calm is the time without a failure after which a success ends an outage. While some calls fail and others succeed, the
// outage lasts, and the log has one line about it.
const calm = 5 * time.Second

// Change tells of a store that went from one state to another.
type Change struct {
	From, To State
	// Operation and Cause are the call that failed and its error. They are empty if the store serves again.
	Operation string
	Cause     error
	// After is the time that the store spent in the state From, and Failed the number of calls that failed in it.
	After  time.Duration
	Failed int
}

// Follower keeps the state of one store.
type Follower struct {
	now      func() time.Time
	onChange func(Change)

	mu     sync.Mutex
	state  State
	since  time.Time
	last   time.Time // of the failures
	failed int
}

// New returns the follower of a store that serves. onChange is called for each change, in order, and must not call back.
func New(now func() time.Time, onChange func(Change)) *Follower {
	return &Follower{now: now, onChange: onChange, state: Serving, since: now()}
}

// Current returns the state now.
func (f *Follower) Current() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Call is an instrumented.Begin.
func (f *Follower) Call(ctx context.Context, operation string) (context.Context, func(error)) {
	return ctx, func(err error) { f.ended(operation, err) }
}

// ended takes the outcome of one call. Errors that say nothing about the store change nothing.
func (f *Follower) ended(operation string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case errors.Is(err, task.ErrNotOpened), errors.Is(err, context.Canceled):
	case errors.Is(err, task.ErrFull):
		f.fails(Full, operation, err)
	case errors.Is(err, task.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		f.fails(Failing, operation, err)
	case instrumented.Failed(err): // a defect of one request
	case f.state != Serving && f.now().Sub(f.last) >= calm && (f.state == Failing || needsSpace(operation)):
		f.become(Serving, "", nil)
	}
}

func (f *Follower) fails(state State, operation string, cause error) {
	f.last = f.now()
	if f.state != state {
		f.become(state, operation, cause)
	}
	f.failed++
}

func (f *Follower) become(state State, operation string, cause error) {
	change := Change{
		From: f.state, To: state, Operation: operation, Cause: cause, After: f.now().Sub(f.since), Failed: f.failed,
	}
	f.state, f.since, f.failed = state, f.now(), 0
	f.onChange(change)
}

// needsSpace reports whether the success of an operation shows that the store is not full. A ping fails while it is.
func needsSpace(operation string) bool {
	switch operation {
	case "create", "update", "toggle", "ping":
		return true
	}
	return false
}
