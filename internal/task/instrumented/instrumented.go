// Package instrumented lets metrics, tracing and others observe every call of a task.Store.
package instrumented

import (
	"context"
	"errors"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// Begin observes the start of an operation. The function that it returns observes the operation's end.
type Begin func(ctx context.Context, operation string) (context.Context, func(error))

// Failed reports whether an error means that the store is in trouble, and not that it refused a request or that the
// client went away.
func Failed(err error) bool {
	return err != nil && !errors.Is(err, task.ErrNotFound) && !errors.Is(err, task.ErrMismatch) &&
		!errors.Is(err, task.ErrAttemptDiffers) && !errors.Is(err, context.Canceled)
}

// Operations lists the names that Begin gets.
func Operations() []string {
	return []string{"list", "create", "get", "update", "toggle", "delete", "ping"}
}

// New returns the store with each call observed by begin. Closing it closes the store.
func New(inner task.Store, begin Begin) task.Store {
	return Late(func() (task.Store, error) { return inner, nil }, begin)
}

// Late returns a store that asks for the inner store at each call, which may be opened later. While open returns an
// error, each call fails with it and Close does nothing.
func Late(open func() (task.Store, error), begin Begin) task.Store { return &store{open, begin} }

type store struct {
	open  func() (task.Store, error)
	begin Begin
}

// call runs one operation of the inner store under observation.
func call[T any](ctx context.Context, s *store, operation string, do func(context.Context, task.Store) (T, error)) (T, error) {
	ctx, end := s.begin(ctx, operation)
	var result T
	inner, err := s.open()
	if err == nil {
		result, err = do(ctx, inner)
	}
	end(err)
	return result, err
}

func (s *store) List(ctx context.Context, owner string, filter task.Filter) (task.Page, error) {
	return call(ctx, s, "list", func(ctx context.Context, inner task.Store) (task.Page, error) {
		return inner.List(ctx, owner, filter)
	})
}

func (s *store) Create(ctx context.Context, owner string, draft task.Draft, attempt task.Attempt) (task.Task, error) {
	return call(ctx, s, "create", func(ctx context.Context, inner task.Store) (task.Task, error) {
		return inner.Create(ctx, owner, draft, attempt)
	})
}

func (s *store) Get(ctx context.Context, owner string, id int64) (task.Task, error) {
	return call(ctx, s, "get", func(ctx context.Context, inner task.Store) (task.Task, error) {
		return inner.Get(ctx, owner, id)
	})
}

func (s *store) Update(ctx context.Context, owner string, id int64, change task.Change, match task.Match) (task.Task, error) {
	return call(ctx, s, "update", func(ctx context.Context, inner task.Store) (task.Task, error) {
		return inner.Update(ctx, owner, id, change, match)
	})
}

func (s *store) Toggle(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	return call(ctx, s, "toggle", func(ctx context.Context, inner task.Store) (task.Task, error) {
		return inner.Toggle(ctx, owner, id, match)
	})
}

func (s *store) Delete(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	return call(ctx, s, "delete", func(ctx context.Context, inner task.Store) (task.Task, error) {
		return inner.Delete(ctx, owner, id, match)
	})
}

func (s *store) Ping(ctx context.Context) error {
	_, err := call(ctx, s, "ping", func(ctx context.Context, inner task.Store) (struct{}, error) {
		return struct{}{}, inner.Ping(ctx)
	})
	return err
}

func (s *store) Close() error {
	if inner, err := s.open(); err == nil {
		return inner.Close()
	}
	return nil
}
