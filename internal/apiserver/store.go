package apiserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
	"github.com/todoapp-operator/todoapp-operator/internal/task/observed"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// reopen is the pause between attempts to reach a server that is not there yet.
const reopen = time.Second

// openStore opens and migrates the store. A server that cannot be reached yet is waited for, since starting together
// with it is usual. Anything else that is wrong, such as a file that cannot be opened, is an error.
func openStore(ctx context.Context, url string, m *metrics.Metrics, traces tracing, log *slog.Logger) (task.Store, error) {
	for {
		store, err := sqlstore.Open(ctx, url, sqlstore.Options{})
		if err == nil {
			m.WatchPool(func() metrics.Pool { return metrics.Pool(store.Stats()) })
			return observed.New(traces.store(store), m.StoreCall), nil
		}
		if !errors.Is(err, task.ErrUnavailable) || strings.HasPrefix(url, "sqlite:") {
			return nil, fmt.Errorf("opening the store: %w", err)
		}
		log.Warn("waiting for the store", "error", err.Error())
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("opening the store: %w", err)
		case <-time.After(reopen):
		}
	}
}
