package taskapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
)

// TestACallWaitsForTheFirstAttemptToOpen: a container that restarts may get a request before it has opened its store.
func TestACallWaitsForTheFirstAttemptToOpen(t *testing.T) {
	late, begun, answered := newLateStore(), make(chan struct{}, 2), make(chan error)
	store := late.store(func(ctx context.Context, _ string) (context.Context, func(error)) {
		begun <- struct{}{}
		return ctx, func(error) {}
	})
	go func() {
		_, err := store.Get(t.Context(), "alice", 1)
		answered <- err
	}()
	<-begun
	if err := late.open(t.Context(), "sqlite://"+t.TempDir()+"/tasks.db", metrics.New(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; !errors.Is(err, task.ErrNotFound) {
		t.Errorf("a call while the store opens returns %v", err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// TestACallWaitsForNoSecondAttempt: a database that is away must not hold up requests and probes.
func TestACallWaitsForNoSecondAttempt(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	late := newLateStore()
	store := late.store(func(ctx context.Context, _ string) (context.Context, func(error)) { return ctx, func(error) {} })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- late.open(ctx, "postgres://u@"+address+"/db", metrics.New(), slog.New(slog.DiscardHandler))
	}()
	<-late.tried
	if _, err := store.Get(t.Context(), "alice", 1); !errors.Is(err, task.ErrNotOpened) {
		t.Errorf("a call beside a database that is away returns %v", err)
	}
	stop()
	if err := <-ended; !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("the attempts end with %v", err)
	}
}
