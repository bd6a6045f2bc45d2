package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// lifecycleCases are about opening, closing and callers who give up.
var lifecycleCases = map[string]func(*testing.T, *subject){
	"reopening keeps tasks and attempts":           reopening,
	"an id is not reused after deletion or reopen": idsAreNotReused,
	"many may open an empty database at once":      openingAtOnce,
	"a closed store is unavailable":                closed,
	"closing waits for calls under way":            closingWaits,
	"a caller who went away gets Canceled":         canceled,
	"a caller out of time gets ErrUnavailable":     outOfTime,
	"a store that answers can be pinged":           pinging,
}

func reopening(t *testing.T, s *subject) {
	key := attempt("key", 1)
	first := must(t)(s.Create(t.Context(), "ann", task.Draft{Title: "kept", Description: pointer("✓")}, key))
	kept := must(t)(s.Toggle(t.Context(), "ann", first.ID, task.Match{}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Store = s.another()
	same(t, "task", s.get("ann", kept.ID), kept)
	same(t, "attempt", must(t)(s.Create(t.Context(), "ann", task.Draft{Title: "kept", Description: pointer("✓")}, key)), first)
	same(t, "list", s.list("ann", task.Filter{Limit: 5}), task.Page{Tasks: []task.Task{kept}, Total: 1})
}

func idsAreNotReused(t *testing.T, s *subject) {
	last := int64(0)
	for range 4 {
		made := s.add("ann", "short-lived")
		if made.ID <= last {
			t.Errorf("ID %d after %d", made.ID, last)
		}
		last = made.ID
		must(t)(s.Delete(t.Context(), "ann", made.ID, task.Match{}))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s.Store = s.another()
	}
}

func openingAtOnce(t *testing.T, s *subject) {
	for range 3 {
		empty := s.fresh(t)
		stores := make([]task.Store, 8)
		parallel(t, len(stores), func(i int) (err error) {
			stores[i], err = empty()
			return err
		})
		for i, store := range stores {
			made := must(t)(store.Create(t.Context(), "ann", task.Draft{Title: fmt.Sprint(i)}, task.Attempt{}))
			same(t, "through the first", must(t)(stores[0].Get(t.Context(), "ann", made.ID)), made)
		}
		for _, store := range stores {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// calls lists all calls of a store, for promises that hold for each.
func calls(ctx context.Context, s task.Store, id int64) map[string]error {
	errs := map[string]error{}
	_, errs["List"] = s.List(ctx, "ann", task.Filter{Limit: 1})
	_, errs["List past the end"] = s.List(ctx, "ann", task.Filter{Limit: 1, Offset: 99})
	_, errs["Create"] = s.Create(ctx, "ann", task.Draft{Title: "new"}, task.Attempt{})
	_, errs["Create with attempt"] = s.Create(ctx, "ann", task.Draft{Title: "new"}, attempt("calls", 1))
	_, errs["Get"] = s.Get(ctx, "ann", id)
	_, errs["Update"] = s.Update(ctx, "ann", id, task.Change{Title: pointer("x")}, task.Match{})
	_, errs["Update nothing"] = s.Update(ctx, "ann", id, task.Change{}, task.Match{})
	_, errs["Toggle"] = s.Toggle(ctx, "ann", id, task.Match{Only: true})
	_, errs["Delete"] = s.Delete(ctx, "ann", id, task.Match{})
	errs["Ping"] = s.Ping(ctx)
	return errs
}

func closed(t *testing.T, s *subject) {
	at := s.add("ann", "there")
	for range 2 { // closing again does no harm
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for call, err := range calls(t.Context(), s, at.ID) {
		if !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("%s on a closed store: %v", call, err)
		}
	}
}

func closingWaits(t *testing.T, s *subject) {
	store := s.another()
	begun := make(chan struct{}, 9)
	acknowledged := make(chan int64, 4096)
	parallel(t, 9, func(i int) error {
		if i == 0 {
			<-begun
			return store.Close()
		}
		for first := true; ; first = false {
			made, err := store.Create(t.Context(), "ann", task.Draft{Title: "before"}, task.Attempt{})
			if first {
				begun <- struct{}{}
			}
			if errors.Is(err, task.ErrUnavailable) {
				return nil
			} else if err != nil {
				return err
			}
			acknowledged <- made.ID
		}
	})
	close(acknowledged)
	for id := range acknowledged {
		s.get("ann", id)
	}
}

func canceled(t *testing.T, s *subject) {
	at := s.add("ann", "there")
	ctx, leave := context.WithCancel(t.Context())
	leave()
	for call, err := range calls(ctx, s, at.ID) {
		if !errors.Is(err, context.Canceled) || errors.Is(err, task.ErrUnavailable) {
			t.Errorf("%s for a caller who went away: %v", call, err)
		}
	}
	same(t, "untouched", s.list("ann", task.Filter{Limit: 9}), task.Page{Tasks: []task.Task{at}, Total: 1})
}

func outOfTime(t *testing.T, s *subject) {
	at := s.add("ann", "there")
	ctx, done := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer done()
	for call, err := range calls(ctx, s, at.ID) {
		if !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("%s for a caller out of time: %v", call, err)
		}
	}
	same(t, "untouched", s.list("ann", task.Filter{Limit: 9}), task.Page{Tasks: []task.Task{at}, Total: 1})
}

func pinging(t *testing.T, s *subject) {
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
