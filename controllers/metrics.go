package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// rotationDuration has buckets from the time that a small stack takes to half a day.
var rotationDuration = prometheus.NewHistogram(prometheus.HistogramOpts{
	Name:    "todoapp_rotation_duration_seconds",
	Help:    "Time from the creation of a key until nobody signs with the one before. What was signed expires later.",
	Buckets: []float64{2, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 12 * 3600},
})

func init() { metrics.Registry.MustRegister(rotationDuration) }

// measure records how long a rotation took, at the step that ends it.
func measure(p *plan) {
	if active, _ := p.step.Ring.Active(); p.step.Action == keyring.ActionDemote {
		rotationDuration.Observe(p.observed.now.Sub(active.CreatedAt).Seconds())
	}
}
