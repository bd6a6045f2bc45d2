package httpapi

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// pinged is a store that counts its pings. Its Get fails if the test sets an error.
type pinged struct {
	task.Store
	pings atomic.Int64
	fails error
}

func (s *pinged) Ping(ctx context.Context) error {
	s.pings.Add(1)
	return s.Store.Ping(ctx)
}

func (s *pinged) Get(ctx context.Context, owner string, id int64) (task.Task, error) {
	if s.fails != nil {
		return task.Task{}, s.fails
	}
	return s.Store.Get(ctx, owner, id)
}

// TestAStoreThatHasJustServedIsNotAsked whether it can: it may be busy, and anyone may ask whether the API is ready.
func TestAStoreThatHasJustServedIsNotAsked(t *testing.T) {
	store, start := new(pinged), time.Now()
	var late atomic.Int64
	s := serving(t, func(config *Config) {
		store.Store, config.Store = config.Store, store
		config.Now = func() time.Time { return start.Add(time.Duration(late.Load())) }
	})
	for i, step := range []struct {
		after time.Duration
		gets  bool  // whether a task is asked for before
		fails error // what comes of it, if not that there is none
		asked bool
	}{
		{0, false, nil, true},
		{0, false, nil, false},
		{time.Minute, false, nil, true},
		{time.Minute, true, nil, false},
		{0, true, task.ErrUnavailable, true},
		{time.Minute, true, context.Canceled, true},
	} {
		late.Add(int64(step.after))
		store.fails = step.fails
		before := store.pings.Load()
		if step.gets {
			_, _ = s.api.Store.Get(t.Context(), "alice", 1)
		}
		s.at(s.ops, "GET", "/readyz", "").want(200)
		if asked := store.pings.Load() > before; asked != step.asked {
			t.Errorf("step %d: is the store asked? %t", i, asked)
		}
	}
}
