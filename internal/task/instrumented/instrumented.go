// Package instrumented lets metrics and tracing see every call of a task.Store.
package instrumented

import (
	"context"
	"errors"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// Begin is told that an operation starts; what it returns is told how the operation ended.
type Begin func(ctx context.Context, operation string) (context.Context, func(error))

// Failed tells a store in trouble from one that said no, and from a client that went away.
func Failed(err error) bool {
	return err != nil && !errors.Is(err, task.ErrNotFound) && !errors.Is(err, task.ErrMismatch) &&
		!errors.Is(err, task.ErrAttemptDiffers) && !errors.Is(err, context.Canceled)
}

// Operations are the names that Begin gets.
func Operations() []string {
	return []string{"list", "create", "get", "update", "toggle", "delete", "ping"}
}

// New wraps a store; closing it closes the store.
func New(inner task.Store, begin Begin) task.Store { return &store{inner, begin} }

type store struct {
	inner task.Store
	begin Begin
}

func (s *store) List(ctx context.Context, owner string, filter task.Filter) (task.Page, error) {
	ctx, end := s.begin(ctx, "list")
	page, err := s.inner.List(ctx, owner, filter)
	end(err)
	return page, err
}

func (s *store) Create(ctx context.Context, owner string, d task.Draft, attempt task.Attempt) (task.Task, error) {
	ctx, end := s.begin(ctx, "create")
	created, err := s.inner.Create(ctx, owner, d, attempt)
	end(err)
	return created, err
}

func (s *store) Get(ctx context.Context, owner string, id int64) (task.Task, error) {
	ctx, end := s.begin(ctx, "get")
	found, err := s.inner.Get(ctx, owner, id)
	end(err)
	return found, err
}

func (s *store) Update(ctx context.Context, owner string, id int64, c task.Change, m task.Match) (task.Task, error) {
	ctx, end := s.begin(ctx, "update")
	updated, err := s.inner.Update(ctx, owner, id, c, m)
	end(err)
	return updated, err
}

func (s *store) Toggle(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	ctx, end := s.begin(ctx, "toggle")
	toggled, err := s.inner.Toggle(ctx, owner, id, match)
	end(err)
	return toggled, err
}

func (s *store) Delete(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	ctx, end := s.begin(ctx, "delete")
	deleted, err := s.inner.Delete(ctx, owner, id, match)
	end(err)
	return deleted, err
}

func (s *store) Ping(ctx context.Context) error {
	ctx, end := s.begin(ctx, "ping")
	err := s.inner.Ping(ctx)
	end(err)
	return err
}

func (s *store) Close() error { return s.inner.Close() }
