package appmetrics

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// These metrics count all apps. Their number of series does not grow with the number of apps.
var (
	appCount       = prometheus.NewDesc("todoapp_apps", "TodoApps.", nil, nil)
	conditionCount = prometheus.NewDesc("todoapp_apps_by_condition", "TodoApps by the status of a condition.",
		[]string{"type", "status"}, nil)
	phaseCount   = prometheus.NewDesc("todoapp_apps_by_phase", "TodoApps by the phase of their rotation.", []string{"phase"}, nil)
	replicaCount = prometheus.NewDesc("todoapp_apps_ready_replicas", "Ready pods of a component of all apps together.",
		[]string{"component"}, nil)
)

// counts sums up apps.
type counts struct {
	apps              int
	conditions        map[string]map[metav1.ConditionStatus]int
	phases            map[todov1.RotationPhase]int
	frontend, backend int32
}

func newCounts() *counts {
	return &counts{
		conditions: map[string]map[metav1.ConditionStatus]int{},
		phases:     map[todov1.RotationPhase]int{},
	}
}

// add counts an app.
func (c *counts) add(app *todov1.TodoApp) {
	c.apps++
	for i := range app.Status.Conditions {
		condition := &app.Status.Conditions[i]
		if c.conditions[condition.Type] == nil {
			c.conditions[condition.Type] = map[metav1.ConditionStatus]int{}
		}
		c.conditions[condition.Type][condition.Status]++
	}
	if r := app.Status.Rotation; r != nil {
		c.phases[r.Phase]++
	}
	if f := app.Status.Frontend; f != nil {
		c.frontend += f.ReadyReplicas
	}
	if b := app.Status.Backend; b != nil {
		c.backend += b.ReadyReplicas
	}
}

// show exposes the sums.
func (c *counts) show(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(appCount, float64(c.apps))
	for kind, byStatus := range c.conditions {
		for _, status := range []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown} {
			gauge(conditionCount, float64(byStatus[status]), kind, string(status))
		}
	}
	for _, phase := range todov1.RotationPhases() {
		gauge(phaseCount, float64(c.phases[phase]), string(phase))
	}
	gauge(replicaCount, float64(c.frontend), todov1.ComponentFrontend)
	gauge(replicaCount, float64(c.backend), todov1.ComponentBackend)
}
