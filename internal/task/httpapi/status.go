package httpapi

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storestate"
)

const (
	// pingTimeout limits a readiness check. A probe waits for a second.
	pingTimeout = 800 * time.Millisecond
	// servedLately is the time after a successful call in which readiness does not ask the store: a busy store is not
	// down, and checks must not add to its load.
	servedLately = 2 * time.Second
)

//go:embed openapi.json
var openAPIDocument []byte

func (a *API) healthz(c *call) error {
	writeBody(c.w, http.StatusOK, "application/json", []byte(`{"status":"ok"}`))
	return nil
}

// readyz does not check the keys: the API does not start without one, and a reload never removes the last.
func (a *API) readyz(c *call) error {
	if a.draining.Load() {
		return unavailable("shutting down")
	}
	switch err := a.reach(c.ctx); {
	case errors.Is(err, task.ErrNotOpened):
		return unavailable("the task store has not been reached since the start: the log says why")
	case err != nil && !errors.Is(err, task.ErrFull): // a full store reads and deletes
		return unavailable("the task store is unavailable")
	}
	writeBody(c.w, http.StatusOK, "application/json", []byte(`{"status":"ready"}`))
	return nil
}

// reach pings the store, unless a call has just succeeded.
func (a *API) reach(ctx context.Context) error {
	if served := a.served.Load(); served != nil && a.Now().Sub(*served) < servedLately {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return a.Store.Ping(ctx)
}

// watch notes the outcome of each call of the store.
func (a *API) watch(ctx context.Context, _ string) (context.Context, func(error)) {
	return ctx, func(err error) {
		switch {
		case instrumented.Failed(err):
			a.served.Store(nil)
		case !errors.Is(err, context.Canceled):
			now := a.Now()
			a.served.Store(&now)
		}
	}
}

// keyring shows which key versions are trusted now, for which the operator waits during a rotation, and the state of the
// store if it does not serve.
func (a *API) keyring(c *call) error {
	versions, store := a.Keys().Versions(), storestate.Serving
	if a.StoreState != nil {
		store = a.StoreState()
	}
	if store == storestate.Serving {
		store = ""
	}
	body, err := json.Marshal(struct {
		Versions []int64          `json:"versions"`
		Active   int64            `json:"active"`
		Store    storestate.State `json:"store,omitempty"`
	}{versions, versions[0], store})
	if err != nil {
		return fmt.Errorf("writing the keyring: %w", err)
	}
	c.w.Header().Set("Cache-Control", "no-store")
	writeBody(c.w, http.StatusOK, "application/json", body)
	return nil
}

func (a *API) metrics(c *call) error {
	a.Metrics.ServeHTTP(c.w, c.r)
	return nil
}

func (a *API) openAPI(c *call) error {
	writeBody(c.w, http.StatusOK, "application/json", openAPIDocument)
	return nil
}
