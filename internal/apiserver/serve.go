package apiserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/httpapi"
	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
	"github.com/todoapp-operator/todoapp-operator/internal/task/observed"
)

// The limits on slow clients: a request that is not read and answered within a minute is cut off.
const (
	readTimeout  = 10 * time.Second // header and body, which have 64 KiB each at most
	writeTimeout = 45 * time.Second // from the header to the end of the answer
	idleTimeout  = 60 * time.Second
	// maxHeader leaves room for a token that is far too large, so that it is refused by a proper 401.
	maxHeader = 64 << 10
	// drainTimeout is how long requests under way may take after SIGTERM.
	drainTimeout = 20 * time.Second
)

func serve(ctx context.Context, s settings, env func(string) string, log *slog.Logger) (err error) {
	m := metrics.New()
	keys, watch, err := openKeys(s, env, m, log)
	if err != nil {
		return err
	}
	traces, err := openTracing(ctx, env, log)
	if err != nil {
		return err
	}
	store := new(lateStore)
	// The store closes last, when no request is under way any more.
	defer func() { err = errors.Join(err, store.Close(), traces.close()) }()
	api := httpapi.New(httpapi.Config{
		Store: observed.New(traces.store(store), m.StoreCall), Keys: keys, Policy: policyOf(s),
		Origins: s.origins, Rate: s.rateLimit, Log: log, Metrics: m.Handler(), Observer: m, Now: time.Now,
	})
	public, err := listen(ctx, s.listen, traces.wrap(api.Public()), log)
	if err != nil {
		return err
	}
	operations, err := listen(ctx, s.opsListen, api.Operations(), log)
	if err != nil {
		return errors.Join(err, public.listener.Close())
	}
	collectLess(env)
	log.Info("listening", "listen", public.address(), "ops_listen", operations.address(), "versions", keys().Versions())
	warnOfShort(keys(), log)
	open := func(ctx context.Context) error {
		err := store.open(ctx, s.databaseURL, m, log)
		if err == nil {
			log.Info("serving")
		}
		return err
	}
	return run(ctx, open, watch, func() { api.Drain(); time.Sleep(s.shutdownDelay) }, public, operations)
}

// memoryLimit is what Go's memory is held to, in bytes, by collecting more often; code, some 33 MB, comes on top.
// It is soft: where the largest lists there can be are asked for many times at once, it trades speed for memory.
const memoryLimit = 36 << 20

// collectLess lets garbage grow to some 12 MB before it is collected: the heap is so small that Go's default would
// collect it many times a second under load. Large rows under load make the heap so large that four times as much
// garbage is too much, hence the limit beside it. GOGC and GOMEMLIMIT overrule them.
func collectLess(env func(string) string) {
	if env("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if env("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// run serves on all ports, opens the store and watches the keys until the context ends or a port or the store fails,
// then drains port by port.
func run(ctx context.Context, open func(context.Context) error, watch func(context.Context), drain func(),
	ports ...*port,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		if err := open(ctx); err != nil {
			cancel(err)
		}
	})
	running.Go(func() { watch(ctx) })
	for _, p := range ports {
		running.Go(func() {
			if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serving %s: %w", p.address(), err))
			}
		})
	}
	<-ctx.Done()
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	drain()
	deadline, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer stop()
	for _, p := range ports {
		if failure := p.server.Shutdown(deadline); failure != nil {
			err = errors.Join(err, fmt.Errorf("finishing requests on %s: %w", p.address(), failure), p.server.Close())
		}
	}
	running.Wait()
	cancel(nil)
	return err
}

// port is a server and the listener it has already bound.
type port struct {
	server   *http.Server
	listener net.Listener
}

func (p *port) address() string { return p.listener.Addr().String() }

func listen(ctx context.Context, address string, handler http.Handler, log *slog.Logger) (*port, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return &port{listener: listener, server: &http.Server{
		Handler:     handler,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// OPTIONS * is a path like any other: there is nothing.
		DisableGeneralOptionsHandler: true,
	}}, nil
}
