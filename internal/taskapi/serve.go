package taskapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/httpapi"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storestate"
)

// patience limits the time that slow clients take. A request that is not read and answered within a minute is cut off.
type patience struct {
	// read is for header and body, write from the header to the end of the answer, idle from there to the next request.
	read, write, idle time.Duration
}

var usual = patience{read: readTimeout, write: writeTimeout, idle: idleTimeout}

const (
	readTimeout  = 10 * time.Second // header and body, which have 64 KiB each at most
	writeTimeout = 45 * time.Second // from the header to the end of the answer
	idleTimeout  = 60 * time.Second
	// maxHeader leaves room for a token that is far too large, so that it is refused by a proper 401.
	maxHeader = 64 << 10
	// maxStarted is how many connections may have sent a part of a header.
	maxStarted = 256
	// maxOperations is how many connections the operations port has: probes, Prometheus and the operator.
	maxOperations = 256
	// drainTimeout is how long requests under way may take after SIGTERM.
	drainTimeout = 20 * time.Second
)

func serve(ctx context.Context, version string, s settings, env func(string) string, log, audit *slog.Logger) (err error) {
	m := metrics.New()
	m.Build(version)
	keys, watch, err := openKeys(s, env, m, log)
	if err != nil {
		return err
	}
	traces, err := openTracing(ctx, env, log)
	if err != nil {
		return err
	}
	late, state := newLateStore(), storestate.New(time.Now, logChange(m, log))
	store := instrumented.New(traces.store(late.store(m.StoreCall)), state.Call)
	// The store closes last, when no request is under way any more.
	defer func() { err = errors.Join(err, store.Close(), traces.close()) }()
	api := httpapi.New(httpapi.Config{
		Store: store, StoreState: func() storestate.State { return late.state(state.Current) }, Keys: keys, Policy: policyOf(s),
		Origins: s.origins, Rate: s.rateLimit, Proxies: s.proxies,
		Log: log, Audit: audit, AuditAccepted: s.audit == auditAll, Metrics: m.Handler(), Observer: m, Now: time.Now,
	})
	memory := containerMemory()
	garbage := newCollector(memory, env)
	ports, err := listenAll(ctx, log,
		site{s.listen, traces.wrap(api.Public(), s.proxies), newConnections(maxConnections(memory), maxStarted, garbage.fit)},
		site{s.opsListen, api.Operations(), newConnections(maxOperations, maxStarted, func(int) {})},
		site{profilesAddress(s.pprofListen), profiles(), newConnections(maxProfiles, maxProfiles, func(int) {})})
	if err != nil {
		late.attempted()
		return err
	}
	log.Info("listening", "listen", ports[0].address(), "ops_listen", ports[1].address(), "versions", keys().Versions())
	warnOfShort(keys(), log)
	open := func(ctx context.Context) error { return late.open(ctx, s.databaseURL, m, log) }
	return run(ctx, open, watch, drain{api.Drain, s.shutdownDelay}, ports...)
}

// drain begins a stop: readiness goes down, and requests that still arrive are served for a while.
type drain struct {
	begin func()
	delay time.Duration
}

// run serves on all ports, opens the store and watches the keys until the context ends or a port or the store fails.
// Then it drains port by port. After a failure it does not wait.
func run(ctx context.Context, open func(context.Context) error, watch func(context.Context), drain drain,
	ports ...*port,
) (err error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1+len(ports))
	var running sync.WaitGroup
	running.Go(func() {
		if err := open(working); err != nil && working.Err() == nil {
			failed <- err
		}
	})
	running.Go(func() { watch(working) })
	for _, p := range ports {
		running.Go(func() {
			if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving %s: %w", p.address(), err)
			}
		})
	}
	select {
	case err = <-failed:
		drain.begin()
	case <-ctx.Done():
		drain.begin()
		select {
		case err = <-failed:
		case <-time.After(drain.delay):
		}
	}
	stop()
	deadline, done := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer done()
	for _, p := range ports {
		if failure := p.server.Shutdown(deadline); failure != nil {
			err = errors.Join(err, fmt.Errorf("finishing requests on %s: %w", p.address(), failure), p.server.Close())
		}
	}
	running.Wait()
	return err
}

// port is a server and the listener it has already bound.
type port struct {
	server   *http.Server
	listener net.Listener
}

func (p *port) address() string { return p.listener.Addr().String() }

// site is what a port serves, with its limit of connections.
type site struct {
	address string
	handler http.Handler
	crowd   *connections
}

// listenAll binds the ports of the sites that have an address, or none of them.
func listenAll(ctx context.Context, log *slog.Logger, sites ...site) (ports []*port, err error) {
	for _, s := range sites {
		if s.address == "" {
			continue
		}
		p, err := listen(ctx, s.address, s.handler, usual, s.crowd, log)
		if err != nil {
			for _, bound := range ports {
				err = errors.Join(err, bound.listener.Close())
			}
			return nil, err
		}
		ports = append(ports, p)
	}
	return ports, nil
}

func listen(ctx context.Context, address string, handler http.Handler, limits patience, crowd *connections, log *slog.Logger,
) (*port, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{
		Handler:     handler,
		ReadTimeout: limits.read, WriteTimeout: limits.write, IdleTimeout: limits.idle,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// OPTIONS * is a path like any other: it has no resource.
		DisableGeneralOptionsHandler: true,
	}
	crowd.limit(server, listener)
	return &port{listener: crowd, server: server}, nil
}
