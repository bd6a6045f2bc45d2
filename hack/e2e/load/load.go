// Package load uses a TodoApp without a pause, like its users. It gets fresh tokens from the frontend and keeps older
// ones until they expire, and sends tasks through the backend.
package load

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

const (
	// Port is the port on which a generator serves its report.
	Port = 8080
	// workers is the number of workers of each kind. interval is the pause between two rounds of a worker.
	workers  = 2
	interval = 50 * time.Millisecond
	// TryTimeout bounds one try. patience bounds all tries of one request if none gets an answer.
	TryTimeout = 10 * time.Second
	patience   = 30 * time.Second
	// MaxNoted bounds the number of failures, and of faults, in a report.
	MaxNoted = 10000
)

// Generator holds the target of the load and its results.
type Generator struct {
	frontend, backend string
	tokens            wallet

	mu     sync.Mutex
	report Report
}

// New returns a generator for the Services of an app's frontend and backend, by their URLs.
func New(frontend, backend string) *Generator {
	return &Generator{
		frontend: frontend, backend: backend,
		tokens: wallet{held: map[string][]held{}}, report: Report{ByKey: map[string]int{}},
	}
}

// Report holds the results of all requests since the start.
type Report struct {
	// Signed counts tokens, Fresh and Old the requests with them, and ByKey the requests by the version of the token's
	// key.
	Signed int            `json:"signed"`
	Fresh  int            `json:"fresh"`
	Old    int            `json:"old"`
	ByKey  map[string]int `json:"byKey"`
	// Failures lists unexpected answers, and requests that were given up without an answer.
	Failures []Note `json:"failures"`
	// Faults lists tries without an answer, which were repeated.
	Faults []Note `json:"faults"`
	// Slowest is the longest duration of a request, including its repetitions.
	Slowest time.Duration `json:"slowest"`
}

// Note describes one failure or fault.
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

// ServeHTTP serves the report.
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
