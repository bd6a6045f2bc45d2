// Package metrics counts what the task API does, for Prometheus.
package metrics

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storestate"
)

// Metrics is one process's set of metrics, in a registry of its own. No label value comes from a client.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	refused   *prometheus.CounterVec
	reloads   *prometheus.CounterVec
	keys      prometheus.Gauge
	used      *prometheus.GaugeVec
	calls     *prometheus.HistogramVec
	failures  *prometheus.CounterVec
	state     *prometheus.GaugeVec
	build     *prometheus.GaugeVec
}

// LastUsed is the name of the gauge of the moment in which a token of a key was last accepted. Its label is key_version.
const LastUsed = "taskapi_key_last_used_timestamp_seconds"

// New returns the metrics. Series whose labels are known beforehand start with 0, so that a rate counts the first event.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("http_requests_total", "Requests answered.", "route", "method", "status"),
		durations: histogram("http_request_duration_seconds", "Time from the header to the end of the answer.",
			"route", "method"),
		refused: counter("auth_failures_total", "Requests refused with 401 or 403.", "reason"),
		reloads: counter("key_reloads_total", "Changes of the key directory; a bad one keeps the last good keys.",
			"result"),
		keys: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "taskapi_keys_loaded", Help: "Verification keys trusted now.",
		}),
		used: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: LastUsed, Help: "When a token signed with the key was last accepted, in Unix seconds.",
		}, []string{"key_version"}),
		calls:    histogram("store_duration_seconds", "Time the store took.", "operation"),
		failures: counter("store_failures_total", "Calls that the store could not carry out.", "operation"),
		state: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "taskapi_store_state", Help: "1 for the state in which the store is now, 0 for the others.",
		}, []string{"state"}),
		build: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "taskapi_build_info", Help: "1 for the version of the program and of Go that runs.",
		}, []string{"version", "goversion"}),
	}
	m.StoreState(storestate.Serving)
	m.registry.MustRegister(m.requests, m.durations, m.refused, m.reloads, m.keys, m.used, m.calls, m.failures, m.state,
		m.build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, reason := range authn.Reasons() {
		m.refused.WithLabelValues(string(reason))
	}
	for _, result := range []string{"good", "bad"} {
		m.reloads.WithLabelValues(result)
	}
	for _, operation := range instrumented.Operations() {
		m.calls.WithLabelValues(operation)
		m.failures.WithLabelValues(operation)
	}
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "taskapi_" + name, Help: help}, labels)
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "taskapi_" + name, Help: help,
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, labels)
}

// Pool describes the connections of a store at one moment; Waits counts the calls that found all of them in use.
type Pool struct {
	InUse, Idle, Max int
	Waits            int64
}

// WatchPool adds the metrics of a connection pool, which is read at each scrape.
func (m *Metrics) WatchPool(read func() Pool) {
	gauge := func(state string, value func(Pool) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "taskapi_store_connections", Help: "Connections to the database.",
			ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(value(read())) })
	}
	m.registry.MustRegister(
		gauge("in_use", func(p Pool) int { return p.InUse }),
		gauge("idle", func(p Pool) int { return p.Idle }),
		gauge("max", func(p Pool) int { return p.Max }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "taskapi_store_connection_waits_total", Help: "Calls that found every connection in use.",
		}, func() float64 { return float64(read().Waits) }),
	)
}

// Handler returns the handler that serves the text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Request counts one answer.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.durations.WithLabelValues(route, method).Observe(took.Seconds())
}

// Accepted notes that a token of a key was accepted.
func (m *Metrics) Accepted(keyVersion int64, now time.Time) {
	m.used.WithLabelValues(strconv.FormatInt(keyVersion, 10)).Set(float64(now.Unix()))
}

// Refused counts a 401 or 403.
func (m *Metrics) Refused(reason authn.Reason) { m.refused.WithLabelValues(string(reason)).Inc() }

// Loaded sets how many keys are trusted.
func (m *Metrics) Loaded(keys int) { m.keys.Set(float64(keys)) }

// Reloaded counts a change of the key directory.
func (m *Metrics) Reloaded(err error) {
	if err != nil {
		m.reloads.WithLabelValues("bad").Inc()
		return
	}
	m.reloads.WithLabelValues("good").Inc()
}

// Build shows which version of the program runs.
func (m *Metrics) Build(version string) { m.build.WithLabelValues(version, runtime.Version()).Set(1) }

// StoreState sets the state in which the store is.
func (m *Metrics) StoreState(now storestate.State) {
	for _, state := range storestate.States() {
		value := 0.0
		if state == now {
			value = 1
		}
		m.state.WithLabelValues(string(state)).Set(value)
	}
}

// StoreCall measures one call of the store; it is an instrumented.Begin.
func (m *Metrics) StoreCall(ctx context.Context, operation string) (context.Context, func(error)) {
	start := time.Now()
	return ctx, func(err error) {
		m.calls.WithLabelValues(operation).Observe(time.Since(start).Seconds())
		if instrumented.Failed(err) {
			m.failures.WithLabelValues(operation).Inc()
		}
	}
}
