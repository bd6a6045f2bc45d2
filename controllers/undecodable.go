package controllers

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

var errUndecodable = errors.New("the stored spec does not decode")

// reportUndecodable names the value that does not decode in a condition and an Event, and leaves the app as it is.
// An API server that validates the whole object on each write refuses the status; then the Event and the metric remain.
func (r *Reconciler) reportUndecodable(ctx context.Context, app *todov1.TodoApp) error {
	status := app.Status.DeepCopy()
	status.ObservedGeneration = app.Generation
	ready := metav1.Condition{
		Type: todov1.ConditionReady, Status: metav1.ConditionFalse, ObservedGeneration: app.Generation,
		Reason: todov1.ReasonSpecUndecodable, LastTransitionTime: metav1.NewTime(r.Now()),
		Message: "spec does not decode: " + app.Undecodable +
			". Correct that value; until then the operator changes nothing of this app.",
	}
	stalled := ready
	stalled.Type, stalled.Status = todov1.ConditionStalled, metav1.ConditionTrue
	changed := meta.SetStatusCondition(&status.Conditions, ready)
	changed = meta.SetStatusCondition(&status.Conditions, stalled) || changed
	if !changed {
		return nil
	}
	r.event(app, corev1.EventTypeWarning, todov1.ReasonSpecUndecodable, "Reconcile", "spec does not decode: %s", app.Undecodable)
	if err := r.patchStatus(ctx, app, *status); !apierrors.IsInvalid(err) {
		return err
	}
	return nil
}
