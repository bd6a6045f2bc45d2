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

// keyTransitions has a series for each action from the start, so that the first transition counts as an increase.
var keyTransitions = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "todoapp_key_transitions_total",
	Help: "Transitions of keys by action. Recovered and Lost are changes that no policy asked for.",
}, []string{"action"})

// actionLost counts the notice KeysLost. Pods or a Secret hold keys that the keyring lacks.
const actionLost keyring.Action = "Lost"

func init() {
	metrics.Registry.MustRegister(rotationDuration, keyTransitions)
	for _, action := range []keyring.Action{
		keyring.ActionCreate, keyring.ActionAdopt, keyring.ActionRecover, keyring.ActionRevoke, keyring.ActionDemote,
		keyring.ActionPromote, keyring.ActionPublish, keyring.ActionCorrect, actionLost,
	} {
		keyTransitions.WithLabelValues(string(action))
	}
}

// countTransition counts one transition of keys.
func countTransition(action keyring.Action) { keyTransitions.WithLabelValues(string(action)).Inc() }

// measure counts a stored transition, and records how long a rotation took, at the step that ends it.
func measure(p *plan) {
	countTransition(p.step.Action)
	if active, _ := p.step.Ring.Active(); p.step.Action == keyring.ActionDemote {
		rotationDuration.Observe(p.observed.now.Sub(active.CreatedAt).Seconds())
	}
}
