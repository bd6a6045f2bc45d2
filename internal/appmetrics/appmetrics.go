// Package appmetrics exposes the status of TodoApps, and the state of the operator itself, as Prometheus metrics.
package appmetrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// listTimeout bounds how long a scrape waits for the apps, which are in memory once the manager has started.
const listTimeout = time.Second

// Apps lists all TodoApps. It must read a cache, because every scrape calls it. The apps are only read, so they need no copy.
type Apps func(context.Context) ([]todov1.TodoApp, error)

// labels identify an app. They do not begin with "namespace", which Prometheus sets to the operator's namespace.
var labels = []string{"app_namespace", "app_name"}

func describe(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("todoapp_"+name, help, append(labels[:len(labels):len(labels)], more...), nil)
}

// The names are documented in docs/metrics.md.
var (
	statusCurrent = describe("status_current", "Whether the status is about the present spec (1) or an earlier one (0).")
	undecodable   = describe("undecodable", "Whether the stored spec of the app cannot be decoded (1) or can (0).")
	condition     = describe("condition", "Whether a condition of the app holds (1) or not (0).", "type")
	readyReplicas = describe("ready_replicas", "Ready pods of a component that the operator runs.", "component")
	keys          = describe("keys", "Keys by state.", "state")
	activeVersion = describe("active_key_version", "Version of the key that signs.")
	activeCreated = describe("active_key_created_timestamp_seconds", "When the key that signs was created.")
	revocation    = describe("revocation_pending", "Whether keys are to be revoked and are not known to be (1) or not (0).")
	rotationPhase = describe("rotation_phase", "Phase of the rotation: 1 for the present phase, 0 for the others.", "phase")
	rotationStart = describe("rotation_started_timestamp_seconds", "When the rotation under way began; absent while there is none.")
	rotationWaits = describe("rotation_waiting", "Pods, workloads and Secrets that hold the rotation, ten at most.")
	rotationNext  = describe("rotation_next_timestamp_seconds", "When the schedule replaces the key; absent when it never does.")
	rotationLast  = describe("rotation_last_timestamp_seconds", "When a key was last promoted.")
)

var descriptions = []*prometheus.Desc{
	statusCurrent, undecodable, condition, readyReplicas, keys, activeVersion, activeCreated, revocation,
	rotationPhase, rotationStart, rotationWaits, rotationNext, rotationLast,
	appCount, conditionCount, phaseCount, replicaCount,
}

// collector lists the apps for each scrape, so a deleted app leaves no series.
type collector struct {
	apps Apps
	now  func() time.Time
	all  bool
}

// Collector returns a collector of the apps that a function lists. It counts all apps, and shows each app that is not as it should
// be in series of its own: 23 series of each of 5,000 apps took more than a second of CPU in every scrape. If all is true, it shows
// every app.
func Collector(apps Apps, now func() time.Time, all bool) prometheus.Collector {
	return collector{apps, now, all}
}

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		to <- d
	}
}

// Collect implements prometheus.Collector. If the apps cannot be listed because the manager is starting, it exposes none: an
// error would fail the whole scrape.
func (c collector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), listTimeout)
	defer cancel()
	apps, err := c.apps(ctx)
	if err != nil {
		return
	}
	sums, now := newCounts(), c.now()
	for i := range apps {
		sums.add(&apps[i])
		if c.all || needsAttention(&apps[i], now) {
			show(&apps[i], to)
		}
	}
	sums.show(to)
}

// needsAttention reports whether an app is not as it should be. Each alert about an app relies on it: an app for which an alert
// may fire has series. A key that drains is as it should be, and a rotation too, unless it waits.
func needsAttention(app *todov1.TodoApp, now time.Time) bool {
	status := &app.Status
	if status.ObservedGeneration != app.Generation || app.Undecodable != "" {
		return true
	}
	for i := range status.Conditions {
		switch c := &status.Conditions[i]; c.Type {
		case todov1.ConditionPaused:
			if c.Status == metav1.ConditionTrue {
				return true
			}
		case todov1.ConditionRotationComplete:
			if c.Reason == todov1.ReasonRevocationPending {
				return true
			}
		default:
			if c.Status != metav1.ConditionTrue {
				return true
			}
		}
	}
	r := status.Rotation
	return r != nil && (len(r.WaitingFor) > 0 || r.Next != nil && r.Next.Time.Before(now))
}

func show(app *todov1.TodoApp, to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, more ...string) {
		values := append([]string{app.Namespace, app.Name}, more...)
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, values...)
	}
	status := app.Status
	gauge(statusCurrent, whether(status.ObservedGeneration == app.Generation))
	gauge(undecodable, whether(app.Undecodable != ""))
	for _, c := range status.Conditions {
		gauge(condition, whether(c.Status == metav1.ConditionTrue), c.Type)
		if c.Type == todov1.ConditionRotationComplete {
			gauge(revocation, whether(c.Reason == todov1.ReasonRevocationPending))
		}
	}
	for component, side := range map[string]*todov1.ComponentStatus{
		todov1.ComponentFrontend: status.Frontend, todov1.ComponentBackend: status.Backend,
	} {
		if side != nil {
			gauge(readyReplicas, float64(side.ReadyReplicas), component)
		}
	}
	showKeys(status.Keys, gauge)
	if status.Rotation != nil {
		showRotation(status.Rotation, gauge)
	}
}

func showKeys(list []todov1.KeyStatus, gauge func(*prometheus.Desc, float64, ...string)) {
	count := map[todov1.KeyState]int{}
	for _, k := range list {
		count[k.State]++
		if k.State == todov1.KeyActive {
			gauge(activeVersion, float64(k.Version))
			moment(gauge, activeCreated, k.CreatedAt)
		}
	}
	for _, state := range todov1.KeyStates() {
		gauge(keys, float64(count[state]), string(state))
	}
}

func showRotation(r *todov1.RotationStatus, gauge func(*prometheus.Desc, float64, ...string)) {
	for _, phase := range todov1.RotationPhases() {
		gauge(rotationPhase, whether(r.Phase == phase), string(phase))
	}
	gauge(rotationWaits, float64(len(r.WaitingFor)))
	moment(gauge, rotationStart, r.StartedAt)
	moment(gauge, rotationNext, r.Next)
	moment(gauge, rotationLast, r.Last)
}

// moment sets a gauge to a time, unless the time is nil.
func moment(gauge func(*prometheus.Desc, float64, ...string), d *prometheus.Desc, t *metav1.Time) {
	if t != nil {
		gauge(d, float64(t.Unix()))
	}
}

func whether(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}
