// Package httpapi serves a task.Store over HTTP: routes, JSON, bearer authentication and the operations port.
//
// A request under /api/ is refused in one fixed order: 401, then 404 and 405 for the route, then 403 and 429, then errors
// in the request itself (415, 413, 400, 422), then 404 for the task, then 412. The function serve is that order.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storestate"
)

// storeTimeout limits how long a request may spend in the store. After it the answer is 503.
const storeTimeout = 20 * time.Second

// Config holds the parts of an API. Every field but Origins, Rate and StoreState is needed.
type Config struct {
	Store task.Store
	// StoreState returns the store's state for the operator. Nil means a store that serves.
	StoreState func() storestate.State
	Keys       func() *authn.Keys
	Policy     authn.Policy
	// Origins may call from a browser; "*" means every origin, without credentials.
	Origins []string
	// Rate is the number of requests per second for each subject; 0 means no limit.
	Rate float64
	// Log receives internal errors.
	Log *slog.Logger
	// Audit receives refused requests with the reason, at level info; with AuditAccepted also accepted ones. It may be nil.
	Audit         *slog.Logger
	AuditAccepted bool
	// Proxies are the networks whose X-Forwarded-For is trusted.
	Proxies Proxies
	// Metrics answers GET /metrics on the operations port. Observer counts every request.
	Metrics  http.Handler
	Observer Observer
	Now      func() time.Time
}

// Observer counts requests and refusals. Route is the pattern of a path, never the path itself.
type Observer interface {
	Request(route, method string, status int, took time.Duration)
	Accepted(keyVersion int64, now time.Time)
	Refused(reason authn.Reason)
}

// API answers requests on two ports that share one readiness.
type API struct {
	Config
	cors     cors
	limits   *limits
	draining atomic.Bool
	// served is the time of the last successful call of the store, or nil after a failure.
	served atomic.Pointer[time.Time]
}

// New returns an API.
func New(config Config) *API {
	a := &API{Config: config, cors: newCORS(config.Origins), limits: newLimits(config.Rate)}
	a.Store = instrumented.New(config.Store, a.watch)
	return a
}

// Drain makes readiness fail from now on, and each answer the last of its connection. If a kept connection were closed
// while a request is on its way, that request would fail. Everything else goes on.
func (a *API) Drain() { a.draining.Store(true) }

// Public returns the handler of the API port.
func (a *API) Public() http.Handler {
	return a.observe(func(c *call) error {
		if a.cors.answer(c.w, c.r) {
			return nil
		}
		return a.serve(c, public)
	})
}

// Operations returns the handler of the operations port.
func (a *API) Operations() http.Handler {
	return a.observe(func(c *call) error { return a.serve(c, operations) })
}

// call is one request under way.
type call struct {
	w   *recorder
	r   *http.Request
	ctx context.Context
	// id is the request's ID for the log.
	id string
	// identity is set under /api/ once the token is verified.
	identity authn.Identity
	// task is the {id} of the path as it was written.
	task string
}

// serve finds the resource of a request and answers it. It refuses in the order of the contract.
func (a *API) serve(c *call, port site) error {
	segments, clean := split(c.r.URL)
	owned := port.tasks && len(segments) > 1 && segments[0] == "api"
	found := port.find(segments)
	if !clean {
		found = nil
	}
	if found != nil {
		c.r.Pattern = found.pattern
	}
	if owned {
		if err := a.authenticate(c); err != nil {
			return err
		}
	}
	if found == nil {
		return &problem{status: http.StatusNotFound, detail: "there is nothing at this path"}
	}
	operation := found.operations[c.r.Method]
	if operation == nil {
		return notAllowed(found.allow)
	}
	if owned {
		if err := a.authorize(c, segments); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), storeTimeout)
	defer cancel()
	c.ctx = ctx
	return operation(a, c)
}
