package taskapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// reopen is the pause between attempts to reach a server that is not there yet.
const reopen = time.Second

// lateStore is a task.Store that is unavailable until it has been opened, so that the ports answer before: a liveness
// probe must not kill a process that waits for its database.
type lateStore struct {
	opened atomic.Pointer[sqlstore.Store]
}

// open opens and migrates the store. A server that cannot be reached yet is waited for without end, since starting
// together with it is usual; so is one that refuses the user or the database, which others may be about to create.
// Anything else that is wrong, such as a file that cannot be opened, is an error.
func (l *lateStore) open(ctx context.Context, url string, m *metrics.Metrics, log *slog.Logger) error {
	for {
		store, err := sqlstore.Open(ctx, url, sqlstore.Options{
			Report: func(err error) { log.Warn("store", "error", err.Error()) },
		})
		if err == nil {
			m.WatchPool(func() metrics.Pool { return metrics.Pool(store.Stats()) })
			l.opened.Store(store)
			return nil
		}
		if !errors.Is(err, task.ErrUnavailable) || strings.HasPrefix(url, "sqlite:") {
			return fmt.Errorf("opening the store: %w", err)
		}
		log.Warn("waiting for the store", "error", err.Error())
		select {
		case <-ctx.Done():
			return fmt.Errorf("opening the store: %w", err)
		case <-time.After(reopen):
		}
	}
}

func (l *lateStore) List(ctx context.Context, owner string, filter task.Filter) (task.Page, error) {
	if store := l.opened.Load(); store != nil {
		return store.List(ctx, owner, filter)
	}
	return task.Page{}, task.ErrNotOpened
}

func (l *lateStore) Create(ctx context.Context, owner string, draft task.Draft, attempt task.Attempt) (task.Task, error) {
	if store := l.opened.Load(); store != nil {
		return store.Create(ctx, owner, draft, attempt)
	}
	return task.Task{}, task.ErrNotOpened
}

func (l *lateStore) Get(ctx context.Context, owner string, id int64) (task.Task, error) {
	if store := l.opened.Load(); store != nil {
		return store.Get(ctx, owner, id)
	}
	return task.Task{}, task.ErrNotOpened
}

func (l *lateStore) Update(ctx context.Context, owner string, id int64, change task.Change, match task.Match) (task.Task, error) {
	if store := l.opened.Load(); store != nil {
		return store.Update(ctx, owner, id, change, match)
	}
	return task.Task{}, task.ErrNotOpened
}

func (l *lateStore) Toggle(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	if store := l.opened.Load(); store != nil {
		return store.Toggle(ctx, owner, id, match)
	}
	return task.Task{}, task.ErrNotOpened
}

func (l *lateStore) Delete(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	if store := l.opened.Load(); store != nil {
		return store.Delete(ctx, owner, id, match)
	}
	return task.Task{}, task.ErrNotOpened
}

func (l *lateStore) Ping(ctx context.Context) error {
	if store := l.opened.Load(); store != nil {
		return store.Ping(ctx)
	}
	return task.ErrNotOpened
}

func (l *lateStore) Close() error {
	if store := l.opened.Load(); store != nil {
		return store.Close()
	}
	return nil
}
