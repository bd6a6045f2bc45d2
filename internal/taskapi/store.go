package taskapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storestate"
)

const (
	// reopen is the pause between attempts to reach a server that is not there yet.
	reopen = time.Second
	// remind is the time after which the log repeats why the store cannot be opened.
	remind = time.Minute
	// longestOpening bounds how long calls wait for the first attempt to open the store.
	longestOpening = 2 * time.Second
)

// lateStore is the store once it is open. Its calls wait for the first attempt to open it, which usually takes milliseconds: a
// container that restarts may get requests at once, because its pod was ready. After that calls fail until the store is open, so
// that the ports answer before: a liveness probe must not kill a process that waits for its database.
type lateStore struct {
	opened atomic.Pointer[sqlstore.Store]
	// tried is closed when the first attempt to open the store has ended, or when there will be none.
	tried chan struct{}
	once  sync.Once
	// waiting is set while the server of the store cannot be used and the store was never open.
	waiting atomic.Bool
}

func newLateStore() *lateStore { return &lateStore{tried: make(chan struct{})} }

// attempted ends the wait of calls for the first attempt to open the store.
func (l *lateStore) attempted() { l.once.Do(func() { close(l.tried) }) }

// state returns the state of the store: failing while it waits for its server, and else what its calls tell.
func (l *lateStore) state(followed func() storestate.State) storestate.State {
	if l.waiting.Load() {
		return storestate.Failing
	}
	return followed()
}

// waits notes whether the store waits for its server.
func (l *lateStore) waits(now bool, m *metrics.Metrics) {
	if l.waiting.Swap(now) != now {
		m.StoreState(l.state(func() storestate.State { return storestate.Serving }))
	}
}

// store returns the store with each call observed by begin.
func (l *lateStore) store(begin instrumented.Begin) task.Store {
	return instrumented.Late(func() (task.Store, error) {
		if store := l.opened.Load(); store != nil {
			return store, nil
		}
		select {
		case <-l.tried:
		case <-time.After(longestOpening):
		}
		if store := l.opened.Load(); store != nil {
			return store, nil
		}
		return nil, task.ErrNotOpened
	}, begin)
}

// open opens and migrates the store. It retries without end if a server cannot be reached, which is usual if both start
// together, or if the server refuses the user or the database, which others may be about to create. Any other error, such
// as a file that cannot be opened, ends it.
func (l *lateStore) open(ctx context.Context, url string, m *metrics.Metrics, log *slog.Logger) error {
	defer l.attempted()
	began := time.Now()
	var told string
	var toldAt time.Time
	for {
		store, err := sqlstore.Open(ctx, url, sqlstore.Options{
			Report: func(err error) { log.Warn("store", "error", err.Error()) },
		})
		if err == nil {
			m.WatchPool(func() metrics.Pool { return metrics.Pool(store.Stats()) })
			l.waits(false, m) // before a call can fail
			l.opened.Store(store)
			log.Info("serving", "after", time.Since(began).Round(time.Millisecond).String())
			return nil
		}
		if !errors.Is(err, task.ErrUnavailable) || strings.HasPrefix(url, "sqlite:") {
			return fmt.Errorf("opening the store: %w", err)
		}
		l.waits(true, m)
		l.attempted()
		if cause := err.Error(); cause != told || time.Since(toldAt) >= remind {
			log.Warn("waiting for the store", "error", cause)
			told, toldAt = cause, time.Now()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("opening the store: %w", err)
		case <-time.After(reopen):
		}
	}
}

// logChange returns a function that writes a change of the store's state into the metrics and, as one line, into the log.
func logChange(m *metrics.Metrics, log *slog.Logger) func(storestate.Change) {
	return func(c storestate.Change) {
		m.StoreState(c.To)
		switch c.To {
		case storestate.Serving:
			log.Info("the task store serves again", "after", c.After.Round(time.Millisecond).String(), "failed_calls", c.Failed)
		case storestate.Full:
			log.Error("the task store is full: tasks can be read and deleted, but neither created nor changed",
				"operation", c.Operation, "error", c.Cause.Error())
		case storestate.Failing:
			log.Error("the task store fails", "operation", c.Operation, "error", c.Cause.Error())
		}
	}
}
