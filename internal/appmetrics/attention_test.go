package appmetrics_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/appmetrics"
)

func atSecond(seconds int64) func() time.Time {
	return func() time.Time { return time.Unix(seconds, 0) }
}

// healthy returns an app that is as it should be, with a key that drains, and changes.
func healthy(change ...func(*todov1.TodoApp)) todov1.TodoApp {
	app := todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "todo", Generation: 3}}
	app.Status = todov1.TodoAppStatus{
		ObservedGeneration: 3,
		Keys:               []todov1.KeyStatus{{Version: 2, State: todov1.KeyActive}, {Version: 1, State: todov1.KeyRetiring}},
		Rotation:           &todov1.RotationStatus{Phase: todov1.RotationDraining, StartedAt: moment(300), Next: moment(900)},
		Frontend:           &todov1.ComponentStatus{ReadyReplicas: 2},
		Backend:            &todov1.ComponentStatus{ReadyReplicas: 1},
	}
	for _, kind := range []string{
		todov1.ConditionReady, todov1.ConditionKeysInSync, todov1.ConditionBackendAvailable, todov1.ConditionFrontendAvailable,
		todov1.ConditionKeysStrong, todov1.ConditionSourceValid,
	} {
		app.Status.Conditions = append(app.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue})
	}
	app.Status.Conditions = append(app.Status.Conditions, metav1.Condition{
		Type: todov1.ConditionRotationComplete, Status: metav1.ConditionFalse, Reason: todov1.ReasonDraining})
	for _, c := range change {
		c(&app)
	}
	return app
}

// condition returns a change of one condition of an app.
func condition(kind string, status metav1.ConditionStatus, reason string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		for i := range app.Status.Conditions {
			if c := &app.Status.Conditions[i]; c.Type == kind {
				c.Status, c.Reason = status, reason
				return
			}
		}
		app.Status.Conditions = append(app.Status.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason})
	}
}

// TestOnlyAppsThatNeedAttentionAreShown checks for each thing that an alert tells of that its app has series, and that an app
// which is as it should be has none, unless all apps are to be shown.
func TestOnlyAppsThatNeedAttentionAreShown(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*todov1.TodoApp)
		shown  bool
	}{
		"as it should be":     {func(*todov1.TodoApp) {}, false},
		"rotating":            {func(a *todov1.TodoApp) { a.Status.Rotation.Phase = todov1.RotationPublishing }, false},
		"waiting for pods":    {func(a *todov1.TodoApp) { a.Status.Rotation.WaitingFor = []string{"pod"} }, true},
		"overdue":             {func(a *todov1.TodoApp) { a.Status.Rotation.Next = moment(499) }, true},
		"outdated":            {func(a *todov1.TodoApp) { a.Generation++ }, true},
		"undecodable":         {func(a *todov1.TodoApp) { a.Undecodable = "parsing time" }, true},
		"not ready":           {condition(todov1.ConditionReady, metav1.ConditionFalse, ""), true},
		"unknown keys":        {condition(todov1.ConditionKeysInSync, metav1.ConditionUnknown, ""), true},
		"a weak key":          {condition(todov1.ConditionKeysStrong, metav1.ConditionFalse, ""), true},
		"an invalid source":   {condition(todov1.ConditionSourceValid, metav1.ConditionFalse, ""), true},
		"paused":              {condition(todov1.ConditionPaused, metav1.ConditionTrue, ""), true},
		"a revocation undone": {condition(todov1.ConditionRotationComplete, metav1.ConditionFalse, todov1.ReasonRevocationPending), true},
	} {
		t.Run(name, func(t *testing.T) {
			app := healthy(c.change)
			for all, want := range map[bool]bool{false: c.shown, true: true} {
				collector := appmetrics.Collector(listing(app), atSecond(500), all)
				if got := testutil.CollectAndCount(collector, "todoapp_status_current") > 0; got != want {
					t.Errorf("shown: %t, of all apps: %t", got, all)
				}
			}
		})
	}
}

// fleet returns apps that are as they should be.
func fleet(n int) []todov1.TodoApp {
	apps := make([]todov1.TodoApp, n)
	for i := range apps {
		apps[i] = healthy(func(a *todov1.TodoApp) { a.Name = fmt.Sprint(i) })
	}
	return apps
}

// TestAScrapeDoesNotGrowWithTheApps checks that the number of series and the memory of a scrape are the same for ten apps and for a
// thousand.
func TestAScrapeDoesNotGrowWithTheApps(t *testing.T) {
	series, allocations := map[int]int{}, map[int]float64{}
	for _, n := range []int{10, 1000} {
		collector := appmetrics.Collector(listing(fleet(n)...), atSecond(500), false)
		series[n] = testutil.CollectAndCount(collector)
		allocations[n] = testing.AllocsPerRun(10, func() { collect(collector) })
	}
	if series[10] != series[1000] || series[10] > 40 {
		t.Errorf("%d series of ten apps, %d of a thousand", series[10], series[1000])
	}
	if allocations[1000] > allocations[10]+10 {
		t.Errorf("%.0f allocations for ten apps, %.0f for a thousand", allocations[10], allocations[1000])
	}
}

// collect drains a collector as a scrape does.
func collect(c prometheus.Collector) {
	metrics := make(chan prometheus.Metric, 100)
	go func() { defer close(metrics); c.Collect(metrics) }()
	for range metrics {
	}
}

// BenchmarkScrape measures a scrape of a thousand apps, as the operator serves it.
func BenchmarkScrape(b *testing.B) {
	for _, all := range []bool{false, true} {
		b.Run(fmt.Sprintf("all=%t", all), func(b *testing.B) {
			registry := prometheus.NewRegistry()
			registry.MustRegister(appmetrics.Collector(listing(fleet(1000)...), atSecond(500), all))
			for b.Loop() {
				if _, err := registry.Gather(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
