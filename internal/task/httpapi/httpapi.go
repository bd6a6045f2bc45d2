// Package httpapi serves a task.Store over HTTP: routes, JSON, bearer authentication and the operations port.
//
// A request under /api/ is refused in one fixed order: 401, then 404 and 405 for the route, then 403 and 429, then what
// the request itself says (415, 413, 400, 422), then 404 for the task, then 412. The function serve is that order.
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

// storeTimeout bounds what one request may ask of the store; beyond it the answer is 503.
const storeTimeout = 20 * time.Second

// Config is what an API is made of. Every field but Origins, Rate and StoreState is needed.
type Config struct {
	Store task.Store
	// StoreState returns the store's state for the operator. Nil stands for a store that serves.
	StoreState func() storestate.State
	Keys       func() *authn.Keys
	Policy     authn.Policy
	// Origins may call from a browser; "*" stands for every origin, without credentials.
	Origins []string
	// Rate is the requests per second that one subject may send; 0 is no limit.
	Rate float64
	// Log takes what went wrong inside.
	Log *slog.Logger
	// Audit takes who was refused and why, at level info; with AuditAccepted also who was let in. Nil takes nothing.
	Audit         *slog.Logger
	AuditAccepted bool
	// Proxies are believed about whom they forward for.
	Proxies Proxies
	// Metrics answers GET /metrics on the operations port; Observer is told of every request.
	Metrics  http.Handler
	Observer Observer
	Now      func() time.Time
}

// Observer counts. Route is the pattern of a path, never the path itself.
type Observer interface {
	Request(route, method string, status int, took time.Duration)
	Refused(reason authn.Reason)
}

// API answers requests on two ports that share one readiness.
type API struct {
	Config
	cors     cors
	limits   *limits
	draining atomic.Bool
	// served is when the store last did what it was asked; nil once it failed.
	served atomic.Pointer[time.Time]
}

// New makes an API.
func New(config Config) *API {
	a := &API{Config: config, cors: newCORS(config.Origins), limits: newLimits(config.Rate)}
	a.Store = instrumented.New(config.Store, a.watch)
	return a
}

// Drain makes readiness fail from now on, and each answer the last of its connection: where one that is kept is closed
// with a request already on its way, that request fails. Everything else goes on.
func (a *API) Drain() { a.draining.Store(true) }

// Public serves the API port.
func (a *API) Public() http.Handler {
	return a.observe(func(c *call) error {
		if a.cors.answer(c.w, c.r) {
			return nil
		}
		return a.serve(c, public)
	})
}

// Operations serves the operations port.
func (a *API) Operations() http.Handler {
	return a.observe(func(c *call) error { return a.serve(c, operations) })
}

// call is one request under way.
type call struct {
	w   *recorder
	r   *http.Request
	ctx context.Context
	// id is the request's, for the log.
	id string
	// identity is set under /api/ once the token is verified.
	identity authn.Identity
	// task is the {id} of the path as it was written.
	task string
}

// serve finds what a request addresses and answers it, refusing in the order of the contract.
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
