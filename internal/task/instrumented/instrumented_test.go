package instrumented_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
)

// mark is where a context says which operation it was begun for.
type mark struct{}

var errStore = errors.New("the store's own error")

// witness is a store that answers with the operation that its context was begun for, and with an error.
type witness struct {
	called []string
	closed bool
}

func (w *witness) answer(ctx context.Context, operation string) (task.Task, error) {
	w.called = append(w.called, operation)
	begun, _ := ctx.Value(mark{}).(string)
	return task.Task{Title: begun}, errStore
}

func (w *witness) List(ctx context.Context, _ string, _ task.Filter) (task.Page, error) {
	one, err := w.answer(ctx, "list")
	return task.Page{Tasks: []task.Task{one}}, err
}

func (w *witness) Create(ctx context.Context, _ string, _ task.Draft, _ task.Attempt) (task.Task, error) {
	return w.answer(ctx, "create")
}

func (w *witness) Get(ctx context.Context, _ string, _ int64) (task.Task, error) {
	return w.answer(ctx, "get")
}

func (w *witness) Update(ctx context.Context, _ string, _ int64, _ task.Change, _ task.Match) (task.Task, error) {
	return w.answer(ctx, "update")
}

func (w *witness) Toggle(ctx context.Context, _ string, _ int64, _ task.Match) (task.Task, error) {
	return w.answer(ctx, "toggle")
}

func (w *witness) Delete(ctx context.Context, _ string, _ int64, _ task.Match) (task.Task, error) {
	return w.answer(ctx, "delete")
}

func (w *witness) Ping(ctx context.Context) error {
	_, err := w.answer(ctx, "ping")
	return err
}

func (w *witness) Close() error { w.closed = true; return errStore }

// TestEveryOperationIsSeen from its beginning to its end, and changed in nothing.
func TestEveryOperationIsSeen(t *testing.T) {
	inner := &witness{}
	var begun, ended []string
	store := instrumented.New(inner, func(ctx context.Context, operation string) (context.Context, func(error)) {
		begun = append(begun, operation)
		return context.WithValue(ctx, mark{}, operation), func(err error) {
			if !slices.Contains(inner.called, operation) || !errors.Is(err, errStore) {
				t.Errorf("%s ended after %v with %v", operation, inner.called, err)
			}
			ended = append(ended, operation)
		}
	})
	ctx := t.Context()
	for operation, call := range map[string]func() (task.Task, error){
		"list": func() (task.Task, error) {
			page, err := store.List(ctx, "ann", task.Filter{})
			return page.Tasks[0], err
		},
		"create": func() (task.Task, error) { return store.Create(ctx, "ann", task.Draft{}, task.Attempt{}) },
		"get":    func() (task.Task, error) { return store.Get(ctx, "ann", 1) },
		"update": func() (task.Task, error) { return store.Update(ctx, "ann", 1, task.Change{}, task.Match{}) },
		"toggle": func() (task.Task, error) { return store.Toggle(ctx, "ann", 1, task.Match{}) },
		"delete": func() (task.Task, error) { return store.Delete(ctx, "ann", 1, task.Match{}) },
		"ping":   func() (task.Task, error) { return task.Task{Title: "ping"}, store.Ping(ctx) },
	} {
		if got, err := call(); got.Title != operation || !errors.Is(err, errStore) {
			t.Errorf("%s returned %+v, %v", operation, got, err)
		}
	}
	want := slices.Sorted(slices.Values(instrumented.Operations()))
	for name, got := range map[string][]string{"begun": begun, "called": inner.called, "ended": ended} {
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if err := store.Close(); !inner.closed || !errors.Is(err, errStore) {
		t.Errorf("closed: %t, %v", inner.closed, err)
	}
}
