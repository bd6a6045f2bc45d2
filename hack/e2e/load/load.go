// Package load uses a TodoApp as its users do, without a pause: fresh tokens from its frontend, and older ones until they
// expire, for tasks through its backend.
package load

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

const (
	// Port is where a generator tells what it has seen.
	Port = 8080
	// Workers of each kind, and how often each begins anew.
	workers  = 2
	interval = 50 * time.Millisecond
	// TryTimeout bounds one try, and patience all tries of one request that get no answer.
	TryTimeout = 10 * time.Second
	patience   = 30 * time.Second
	// MaxNoted bounds how many failures, and how many faults, are reported.
	MaxNoted = 10000
)

// Generator is where the load goes, and what has come of it.
type Generator struct {
	frontend, backend string
	tokens            wallet

	mu     sync.Mutex
	report Report
}

// New is a generator for the Services of an app's frontend and backend, by their URLs.
func New(frontend, backend string) *Generator {
	return &Generator{
		frontend: frontend, backend: backend,
		tokens: wallet{held: map[string][]held{}}, report: Report{ByKey: map[string]int{}},
	}
}

// Report is what has come of all requests since the start.
type Report struct {
	// Signed counts tokens, Fresh and Old requests with them, ByKey the requests by the version of the token's key.
	Signed int            `json:"signed"`
	Fresh  int            `json:"fresh"`
	Old    int            `json:"old"`
	ByKey  map[string]int `json:"byKey"`
	// Failures are answers that were not as expected, and requests that were given up without one.
	Failures []Note `json:"failures"`
	// Faults are tries that got no answer and were repeated.
	Faults []Note `json:"faults"`
	// Slowest is how long a request took at the most, its repetitions included.
	Slowest time.Duration `json:"slowest"`
}

// Note is one thing that was not as it should be.
type Note struct {
	At     time.Time     `json:"at"`
	What   string        `json:"what"`
	KeyID  string        `json:"keyID,omitempty"`
	Age    time.Duration `json:"age,omitempty"`
	Status int           `json:"status,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// Run generates load until the context ends.
func (g *Generator) Run(ctx context.Context) {
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() { g.work(ctx, g.fresh(i)) })
		group.Go(func() { g.work(ctx, g.old(i)) })
	}
	group.Wait()
}

func (g *Generator) work(ctx context.Context, do func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do(ctx)
		}
	}
}

// ServeHTTP answers with the report.
func (g *Generator) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := json.NewEncoder(w).Encode(g.report); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (g *Generator) note(change func(*Report)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.report)
}

func (g *Generator) fail(n Note) {
	g.note(func(r *Report) {
		if len(r.Failures) < MaxNoted {
			r.Failures = append(r.Failures, n)
		}
	})
}

func (g *Generator) fault(n Note) {
	g.note(func(r *Report) {
		if len(r.Faults) < MaxNoted {
			r.Faults = append(r.Faults, n)
		}
	})
}
