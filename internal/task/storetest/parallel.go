package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// parallelCases are about many callers at once, of more than one store on the same database.
var parallelCases = map[string]func(*testing.T, *subject){
	"parallel toggles are all counted":           parallelToggles,
	"parallel changes lose no field":             parallelChanges,
	"parallel creations have ids of their own":   parallelCreations,
	"parallel deletions return the task once":    parallelDeletions,
	"a page and its total are of the same state": pageIsConsistent,
}

// allow returns the error unless it is of one of the kinds.
func allow(err error, kinds ...error) error {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return nil
		}
	}
	return err
}

func parallelToggles(t *testing.T, s *subject) {
	at := s.add("ann", "toggled")
	stores := []task.Store{s.Store, s.another()}
	parallel(t, 32, func(i int) error {
		for range 5 {
			if _, err := stores[i%2].Toggle(t.Context(), "ann", at.ID, task.Match{}); err != nil {
				return err
			}
		}
		return nil
	})
	got := s.get("ann", at.ID)
	same(t, "revision", got.Revision, 161)
	same(t, "completed", got.Completed, false)
}

func parallelChanges(t *testing.T, s *subject) {
	at := s.add("ann", "before")
	changes := []task.Change{
		{Title: pointer("after")}, {Description: task.Nullable{Set: true, Value: pointer("after")}}, {Completed: pointer(true)},
	}
	parallel(t, len(changes), func(i int) error {
		_, err := s.Update(t.Context(), "ann", at.ID, changes[i], task.Match{})
		return err
	})
	got := s.get("ann", at.ID)
	same(t, "changed", got, task.Task{
		ID: at.ID, Owner: "ann", Title: "after", Description: pointer("after"), Completed: true, Revision: 4,
		CreatedAt: at.CreatedAt, UpdatedAt: got.UpdatedAt,
	})
}

func parallelCreations(t *testing.T, s *subject) {
	stores := []task.Store{s.Store, s.another(), s.another()}
	var mu sync.Mutex
	owners := map[int64]string{}
	parallel(t, 24, func(i int) error {
		owner := fmt.Sprint("owner ", i%5)
		for range 10 {
			made, err := stores[i%3].Create(t.Context(), owner, task.Draft{Title: "mine"}, task.Attempt{})
			if err != nil {
				return err
			}
			mu.Lock()
			owners[made.ID] = owner
			mu.Unlock()
		}
		return nil
	})
	same(t, "different ids", len(owners), 240)
	for i := range 5 {
		owner := fmt.Sprint("owner ", i)
		page := s.list(owner, task.Filter{Limit: 100})
		if page.Total < 40 || page.Total != int64(len(page.Tasks)) {
			t.Errorf("%s has %d tasks of %d", owner, len(page.Tasks), page.Total)
		}
		for _, found := range page.Tasks {
			same(t, "owner", owners[found.ID], owner)
		}
	}
}

func parallelDeletions(t *testing.T, s *subject) {
	at := s.add("ann", "once")
	deleted := make(chan task.Task, 16)
	parallel(t, 16, func(int) error {
		got, err := s.Delete(t.Context(), "ann", at.ID, task.Match{})
		if err == nil {
			deleted <- got
		}
		return allow(err, task.ErrNotFound)
	})
	same(t, "successes", len(deleted), 1)
	same(t, "deleted", <-deleted, at)
}

// pageIsConsistent lists while one task at a time comes and goes.
func pageIsConsistent(t *testing.T, s *subject) {
	s.add("ann", "stays")
	over := make(chan struct{})
	parallel(t, 4, func(i int) error {
		if i == 0 {
			defer close(over)
			return comeAndGo(t, s, 30)
		}
		for {
			select {
			case <-over:
				return nil
			default:
			}
			page, err := s.List(t.Context(), "ann", task.Filter{Limit: 100})
			if err != nil || page.Total != int64(len(page.Tasks)) {
				return unexpected("List", page, err)
			}
			page, err = s.List(t.Context(), "ann", task.Filter{Limit: 100, Offset: 1})
			if err != nil || page.Total != int64(len(page.Tasks)+1) {
				return unexpected("List past the first", page, err)
			}
		}
	})
}

func comeAndGo(t *testing.T, s *subject, times int) error {
	for range times {
		made, err := s.Create(t.Context(), "ann", task.Draft{Title: "comes"}, task.Attempt{})
		if err != nil {
			return err
		}
		if _, err := s.Delete(t.Context(), "ann", made.ID, task.Match{}); err != nil {
			return err
		}
	}
	return nil
}
