package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// attemptCases are about creating under an idempotency key.
var attemptCases = map[string]func(*testing.T, *subject){
	"a repeated attempt returns the first result": repeatedAttempt,
	"a repeated attempt with another body fails":  differingAttempt,
	"attempts belong to their owner and key":      attemptsDiffer,
	"parallel attempts create one task":           parallelAttempts,
	"a failed attempt does not claim the key":     failedAttempt,
	"no attempt is no attempt":                    noAttempt,
}

func attempt(key string, body byte) task.Attempt {
	return task.Attempt{Key: key, Fingerprint: [32]byte{31: body}}
}

func repeatedAttempt(t *testing.T, s *subject) {
	for i, draft := range []task.Draft{
		{Title: "null"},
		{Title: "empty", Description: pointer(""), Completed: true},
		{Title: "text ✓", Description: pointer("words")},
	} {
		key := attempt(fmt.Sprint("key ", i), 1)
		again := func(store task.Store, _ string) task.Task {
			t.Helper()
			return must(t)(store.Create(t.Context(), "ann", draft, key))
		}
		first := again(s, "")
		sound(t, first)
		same(t, "at once", again(s, "at once"), first)
		must(t)(s.Toggle(t.Context(), "ann", first.ID, task.Match{}))
		change := task.Change{Title: pointer("changed"), Description: task.Nullable{Set: true, Value: pointer("changed")}}
		must(t)(s.Update(t.Context(), "ann", first.ID, change, task.Match{}))
		same(t, "after a change", again(s, "a change"), first)
		must(t)(s.Delete(t.Context(), "ann", first.ID, task.Match{}))
		same(t, "after it is gone", again(s, "it is gone"), first)
		same(t, "through another", again(s.another(), "another"), first)
		same(t, "tasks left", s.list("ann", task.Filter{Limit: 1}).Total, 0)
	}
}

func differingAttempt(t *testing.T, s *subject) {
	first := must(t)(s.Create(t.Context(), "ann", task.Draft{Title: "one"}, attempt("key", 1)))
	for range 2 {
		refused(t, task.ErrAttemptDiffers)(s.Create(t.Context(), "ann", task.Draft{Title: "two"}, attempt("key", 2)))
	}
	refused(t, task.ErrAttemptDiffers)(s.Create(t.Context(), "ann", task.Draft{Title: "two"}, attempt("key", 0)))
	same(t, "first", must(t)(s.Create(t.Context(), "ann", task.Draft{Title: "one"}, attempt("key", 1))), first)
	same(t, "tasks", s.list("ann", task.Filter{Limit: 9}), task.Page{Tasks: []task.Task{first}, Total: 1})
}

func attemptsDiffer(t *testing.T, s *subject) {
	keys := []string{"k", "K", "k ", "'", "~", "!\"#$%&'()*+,-./", strings.Repeat("k", 254), strings.Repeat("k", 255)}
	owners := []string{"ann", "Ann", "ann ", strings.Repeat("o", 6000)}
	seen := map[int64]bool{}
	for _, owner := range owners {
		for _, key := range keys {
			made := must(t)(s.Create(t.Context(), owner, task.Draft{Title: key}, attempt(key, 1)))
			again := must(t)(s.Create(t.Context(), owner, task.Draft{Title: key}, attempt(key, 1)))
			same(t, "again", again, made)
			seen[made.ID] = true
		}
	}
	same(t, "tasks", len(seen), len(owners)*len(keys))
}

func parallelAttempts(t *testing.T, s *subject) {
	stores := []task.Store{s.Store, s.another(), s.another()}
	for round := range 10 {
		created := make([]task.Task, 24)
		parallel(t, len(created), func(i int) (err error) {
			key := attempt(fmt.Sprint("round ", round), 1)
			created[i], err = stores[i%len(stores)].Create(t.Context(), "ann", task.Draft{Title: "once"}, key)
			return err
		})
		for _, got := range created {
			same(t, "parallel attempt", got, created[0])
		}
		same(t, "tasks", s.list("ann", task.Filter{Limit: 1}).Total, int64(round+1))
	}
	differing := make([]byte, 24)
	parallel(t, len(differing), func(i int) error {
		_, err := stores[i%len(stores)].Create(t.Context(), "ann", task.Draft{Title: "x"}, attempt("differing", byte(i)))
		if err == nil {
			differing[i] = 1
		}
		return allow(err, task.ErrAttemptDiffers)
	})
	same(t, "winners", strings.Count(string(differing), "\x01"), 1)
}

func failedAttempt(t *testing.T, s *subject) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	refused(t, context.Canceled)(s.Create(gone, "ann", task.Draft{Title: "never"}, attempt("key", 1)))
	same(t, "tasks after a failure", s.list("ann", task.Filter{Limit: 1}).Total, 0)
	must(t)(s.Create(t.Context(), "ann", task.Draft{Title: "now"}, attempt("key", 2)))
}

func noAttempt(t *testing.T, s *subject) {
	first := must(t)(s.Create(t.Context(), "ann", task.Draft{Title: "same"}, task.Attempt{}))
	second := must(t)(s.Create(t.Context(), "ann", task.Draft{Title: "same"}, task.Attempt{}))
	if first.ID == second.ID {
		t.Error("the zero attempt was remembered")
	}
}
