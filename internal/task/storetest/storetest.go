// Package storetest is the conformance suite of task.Store, which every store must pass.
package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// Open opens a store on one database. A further call acts as another replica, or as a restart.
type Open func() (task.Store, error)

// Run runs the suite. fresh prepares an empty database for one test, removes it when that ends, and returns how to
// open it.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	for _, group := range []map[string]func(*testing.T, *subject){
		writingCases, matchCases, listingCases, attemptCases, parallelCases, lifecycleCases,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				s := &subject{t: t, open: fresh(t), fresh: fresh}
				s.Store = s.another()
				test(t, s)
			})
		}
	}
}

// subject is the store under test with what most cases do to it; its methods end the test on an error.
type subject struct {
	task.Store
	t     *testing.T
	open  Open
	fresh func(*testing.T) Open
}

// another opens the database once more; it is closed when the test ends.
func (s *subject) another() task.Store {
	s.t.Helper()
	store, err := s.open()
	if err != nil {
		s.t.Fatalf("opening: %v", err)
	}
	s.t.Cleanup(func() {
		if err := store.Close(); err != nil {
			s.t.Errorf("closing: %v", err)
		}
	})
	return store
}

func (s *subject) add(owner, title string) task.Task {
	s.t.Helper()
	return s.addDraft(owner, task.Draft{Title: title})
}

func (s *subject) addDraft(owner string, draft task.Draft) task.Task {
	s.t.Helper()
	return must(s.t)(s.Create(s.t.Context(), owner, draft, task.Attempt{}))
}

func (s *subject) get(owner string, id int64) task.Task {
	s.t.Helper()
	return must(s.t)(s.Get(s.t.Context(), owner, id))
}

func (s *subject) list(owner string, filter task.Filter) task.Page {
	s.t.Helper()
	page, err := s.List(s.t.Context(), owner, filter)
	if err != nil {
		s.t.Fatalf("List(%q, %+v): %v", owner, filter, err)
	}
	return page
}

// must ends the test if a call fails: must(t)(store.Get(…)).
func must(t *testing.T) func(task.Task, error) task.Task {
	return func(got task.Task, err error) task.Task {
		t.Helper()
		if err != nil {
			t.Fatalf("unexpected error: %v", err)
		}
		return got
	}
}

// refused checks that a call fails with an error of a kind, and without a task.
func refused(t *testing.T, kind error) func(task.Task, error) {
	return func(got task.Task, err error) {
		t.Helper()
		if !errors.Is(err, kind) {
			t.Errorf("error = %v, want %v", err, kind)
		}
		same(t, "task beside an error", got, task.Task{})
	}
}

// same compares to the last field.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func ids(tasks []task.Task) []int64 {
	found := make([]int64, len(tasks))
	for i := range tasks {
		found[i] = tasks[i].ID
	}
	return found
}

// parallel runs do n times at once and reports the errors.
func parallel(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	var running sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		running.Go(func() { errs[i] = do(i) })
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("in parallel: %v", err)
	}
}

// sound checks the promises for every task that a store returns.
func sound(t *testing.T, got task.Task) {
	t.Helper()
	for name, at := range map[string]time.Time{"CreatedAt": got.CreatedAt, "UpdatedAt": got.UpdatedAt} {
		if at.Location() != time.UTC || at != at.Truncate(time.Microsecond) || time.Since(at).Abs() > time.Minute {
			t.Errorf("%s = %v, want now in UTC to the microsecond", name, at)
		}
	}
	if got.UpdatedAt.Before(got.CreatedAt) {
		t.Errorf("updated at %v, before it was created at %v", got.UpdatedAt, got.CreatedAt)
	}
	if got.ID < 1 || got.ID > 1<<53-1 {
		t.Errorf("ID = %d, want 1 to 2^53-1", got.ID)
	}
}

func pointer[T any](value T) *T { return &value }

func unexpected(call string, got any, err error) error {
	return fmt.Errorf("%s = %+v, %w", call, got, err)
}
