package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
)

// cost is the cost of one phase.
type cost struct {
	requests []request
	// manager, api and etcd are CPU times in seconds.
	manager, api, etcd float64
	// listed is the number of bytes that the API server sent as answers to lists.
	listed float64
	took   time.Duration
}

// cpu returns the CPU time of all processes.
func (c cost) cpu() float64 { return c.manager + c.api + c.etcd }

// perApp returns milliseconds of CPU per app.
func (c cost) perApp(apps int) float64 { return 1000 * c.cpu() / float64(apps) }

// plus returns the cost of two phases together.
func (c cost) plus(other cost) cost {
	return cost{
		requests: append(slices.Clone(c.requests), other.requests...),
		manager:  c.manager + other.manager, api: c.api + other.api, etcd: c.etcd + other.etcd,
		listed: c.listed + other.listed, took: c.took + other.took,
	}
}

// meter measures phases.
type meter struct {
	e     *environment
	user  string
	side  *process // whose CPU counts as the manager's
	mark  int64
	begin time.Time
	start cost
}

// measure begins a phase of the operator. Its cost is read by the meter's cost.
func (e *environment) measure(ctx context.Context) (*meter, error) {
	return e.measureUser(ctx, userOperator, e.manager)
}

func (e *environment) measureUser(ctx context.Context, user string, side *process) (*meter, error) {
	m := &meter{e: e, user: user, side: side, mark: e.audit.mark(), begin: time.Now()}
	start, err := m.now(ctx)
	m.start = start
	return m, err
}

// now reads the present values of all counters.
func (m *meter) now(ctx context.Context) (cost, error) {
	listed, err := m.e.listedBytes(ctx)
	return cost{manager: m.side.cpu(), api: m.e.api.cpu(), etcd: m.e.etcd.cpu(), listed: listed}, err
}

// cost returns the cost since the beginning of the phase, which took the given time.
func (m *meter) cost(ctx context.Context, took time.Duration) (cost, error) {
	end, err := m.now(ctx)
	if err != nil {
		return cost{}, err
	}
	requests, err := m.e.audit.since(m.mark, m.user)
	return cost{
		requests: requests, manager: end.manager - m.start.manager, api: end.api - m.start.api, etcd: end.etcd - m.start.etcd,
		listed: end.listed - m.start.listed, took: took,
	}, err
}

// listedBytes returns how many bytes the API server has sent as answers to lists, to all clients.
func (e *environment) listedBytes(ctx context.Context) (float64, error) {
	client, err := kubernetes.NewForConfig(e.config(userBench))
	if err != nil {
		return 0, fmt.Errorf("making a client: %w", err)
	}
	metrics, err := client.Discovery().RESTClient().Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return 0, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	return listed(string(metrics))
}

// listed sums the sizes of the answers to lists in the API server's metrics.
func listed(metrics string) (float64, error) {
	sum := 0.0
	lines := bufio.NewScanner(strings.NewReader(metrics))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, "apiserver_response_sizes_sum{") || !strings.Contains(line, `verb="LIST"`) {
			continue
		}
		value, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("reading a metric: %w", err)
		}
		sum += value
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("reading metrics: %w", err)
	}
	return sum, nil
}
