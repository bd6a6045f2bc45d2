package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	// fairChance is how many requests in a row a ready pod has to leave without an answer before a complete app waits for it. The
	// requests take firstSilence<<(fairChance-1), which is 16 s, at most, unless many pods are silent.
	fairChance = 5
	// doubtPoll is how soon an app is reconciled again whose pods are asked again before its status changes.
	doubtPoll = firstSilence
)

// premature reports whether a plan would only tell that an app waits for pods again, because ready pods have left a few requests
// without an answer. A busy machine is enough for that, above all while a manager starts and asks the pods of all apps at once.
// Such a plan is not carried out: it would write a status and annotate pods although nothing has changed. A pod without an answer
// still confirms no key. If the status does not show the phase of the rotation yet, the plan is carried out: a step that waits for
// its own writes leaves the status to the next plan.
func (p *plan) premature(app *todov1.TodoApp) bool {
	settled := p.blocker == nil && p.step.Action == keyring.ActionNone && app.Generation == app.Status.ObservedGeneration &&
		meta.IsStatusConditionTrue(app.Status.Conditions, todov1.ConditionKeysInSync) && toldComplete(app, p.step.Ring) &&
		phaseOf(app) == todov1.RotationPhase(p.step.Phase)
	writes := !p.paused && (!p.stored() || len(p.changed)+len(p.toPrune) > 0)
	return settled && !writes && len(p.awaited) > 0 && !slices.ContainsFunc(p.awaited, func(pod *corev1.Pod) bool {
		return !p.observed.doubtful(pod)
	})
}

// doubtful reports whether a ready pod has not answered yet and has not had a fair chance to. The operator expects no answer from
// a pod that is not ready.
func (w *snapshot) doubtful(pod *corev1.Pod) bool {
	given := w.answers[pod.UID]
	return given.err != nil && given.failures < fairChance && ready(pod)
}
