package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// matchCases are about writes with a precondition.
var matchCases = map[string]func(*testing.T, *subject){
	"a write happens at an accepted revision only": matching,
	"of parallel writers at one revision one wins": oneWriterWins,
}

// conditionalWrites are the writes that take a Match.
var conditionalWrites = map[string]func(context.Context, task.Store, task.Task, task.Match) (task.Task, error){
	"update": func(ctx context.Context, s task.Store, at task.Task, match task.Match) (task.Task, error) {
		return s.Update(ctx, at.Owner, at.ID, task.Change{Title: pointer("changed")}, match)
	},
	"toggle": func(ctx context.Context, s task.Store, at task.Task, match task.Match) (task.Task, error) {
		return s.Toggle(ctx, at.Owner, at.ID, match)
	},
	"delete": func(ctx context.Context, s task.Store, at task.Task, match task.Match) (task.Task, error) {
		return s.Delete(ctx, at.Owner, at.ID, match)
	},
}

func matching(t *testing.T, s *subject) {
	many := make([]int64, 500)
	for i := range many {
		many[i] = int64(i + 3)
	}
	for name, write := range conditionalWrites {
		for _, test := range []struct {
			match task.Match
			want  error
		}{
			{task.Match{Only: true, Revisions: []int64{1}}, task.ErrMismatch},
			{task.Match{Only: true, Revisions: []int64{3}}, task.ErrMismatch},
			{task.Match{Only: true, Revisions: []int64{}}, task.ErrMismatch},
			{task.Match{Only: true}, task.ErrMismatch},
			{task.Match{Only: true, Revisions: []int64{0, -2, 1<<63 - 1, -1 << 63}}, task.ErrMismatch},
			{task.Match{Only: true, Revisions: many}, task.ErrMismatch},
			{task.Match{Only: true, Revisions: []int64{2}}, nil},
			{task.Match{Only: true, Revisions: append(many, 2)}, nil},
			{task.Match{Only: true, Revisions: []int64{2, 2, 1}}, nil},
			{task.Match{}, nil},
			{task.Match{Revisions: []int64{1}}, nil},
		} {
			t.Run(fmt.Sprint(name, test.match.Only, len(test.match.Revisions)), func(t *testing.T) {
				at := s.add("ann", "match")
				at = must(t)(s.Toggle(t.Context(), "ann", at.ID, task.Match{})) // revision 2
				if test.want == nil {
					must(t)(write(t.Context(), s, at, test.match))
					return
				}
				refused(t, test.want)(write(t.Context(), s, at, test.match))
				same(t, "refused task", s.get("ann", at.ID), at)
				at.ID += 1000
				refused(t, task.ErrNotFound)(write(t.Context(), s, at, test.match))
			})
		}
	}
}

func oneWriterWins(t *testing.T, s *subject) {
	for name, write := range conditionalWrites {
		at := s.add("ann", name)
		won := make(chan task.Task, 16)
		parallel(t, 16, func(int) error {
			got, err := write(t.Context(), s, at, task.Match{Only: true, Revisions: []int64{1}})
			if err == nil {
				won <- got
			}
			return allow(err, task.ErrMismatch, task.ErrNotFound)
		})
		if len(won) != 1 {
			t.Errorf("%s: %d writers won, want 1", name, len(won))
		}
	}
}
