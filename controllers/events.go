package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/log"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	// waitWarningAfter is how long a rotation may wait for pods before an Event warns.
	waitWarningAfter = 5 * time.Minute
	// longestNote is how many bytes the API server takes of an Event's note.
	longestNote = 1024
)

// report writes Events on the app, and lines in the log, about what a plan has done.
func (r *Reconciler) report(ctx context.Context, app *todov1.TodoApp, p *plan, applyErr error) {
	if action := p.step.Action; action != keyring.ActionNone && !errors.Is(applyErr, errNotStored) {
		measure(p)
		logTransition(ctx, p.step)
		r.event(app, corev1.EventTypeNormal, "Key"+string(action), "Rotate",
			"%s key version %s%s", action, keyring.FormatVersions(p.step.Versions), explanation[action])
	}
	if !errors.Is(applyErr, errNotStored) {
		r.reportKeyring(app, p)
	}
	r.reportRestarts(ctx, app, p)
	if applyErr != nil {
		if !overtaken(applyErr) {
			r.event(app, corev1.EventTypeWarning, applyReason(applyErr), "Apply", "%s", oneLine(applyErr))
		}
		return
	}
	if versions := p.retired(); len(versions) > 0 {
		logRetired(ctx, versions)
		r.event(app, corev1.EventTypeNormal, "KeyRetired", "Rotate",
			"Retired key version %s: the backend no longer trusts it", keyring.FormatVersions(versions))
	}
	if created := p.created(); len(created) > 0 && p.step.Action != keyring.ActionCreate { // a new app lacks everything
		r.event(app, corev1.EventTypeNormal, "Created", "Apply", "Created %s", strings.Join(created, ", "))
	}
	if len(p.toPrune) > 0 {
		var names []string
		for _, object := range p.toPrune {
			names = append(names, r.kindOf(object)+" "+object.GetName())
		}
		r.event(app, corev1.EventTypeNormal, "Pruned", "Prune", "Deleted %s", strings.Join(names, ", "))
	}
}

// reportRestarts tells which Deployments replace their pods, also if another object could not be written: the next plan does not
// know.
func (r *Reconciler) reportRestarts(ctx context.Context, app *todov1.TodoApp, p *plan) {
	for _, d := range p.restarting(app) {
		changed := namesOf(desired.Sources(app, d.Labels[todov1.LabelComponent]))
		log.FromContext(ctx).Info("database changed", "deployment", d.Name, "changed", changed)
		r.eventAbout(d, app, corev1.EventTypeNormal, "DatabaseChanged", "Apply",
			"Deployment %s replaces its pods, because %s has changed", d.Name, changed)
	}
}

// explanation completes the Events of some transitions.
var explanation = map[keyring.Action]string{
	keyring.ActionRevoke:  ": condition RotationComplete tells when every pod has dropped it",
	keyring.ActionCorrect: ": it was made or replaced while a clock was ahead, and that counts as done now",
}

// event writes an Event about an app, cut to what the API server admits.
func (r *Reconciler) event(app *todov1.TodoApp, kind, reason, action, format string, args ...any) {
	r.eventAbout(nil, app, kind, reason, action, format, args...)
}

// eventAbout writes an Event about an app and a related object. Of two Events that differ by their notes alone, the recorder writes
// the first and counts the second.
func (r *Reconciler) eventAbout(related runtime.Object, app *todov1.TodoApp, kind, reason, action, format string, args ...any) {
	r.Events.Eventf(app, related, kind, reason, action, "%s", truncate(fmt.Sprintf(format, args...), longestNote))
}

// retired returns the versions that the backend's Secret loses though they are not revoked.
func (p *plan) retired() []int64 {
	secret := p.observed.secrets[todov1.ComponentBackend]
	if secret == nil {
		return nil
	}
	before, err := keyring.ParseVersions(secret.Annotations[todov1.AnnotationKeys])
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(before, func(v int64) bool {
		return slices.Contains(p.keys.Backend.Versions, v) || !slices.ContainsFunc(p.step.Ring.Keys,
			func(k keyring.Key) bool { return k.Version == v && k.RevokedAt.IsZero() })
	})
}

// created names the objects that did not exist.
func (p *plan) created() []string {
	var names []string
	for _, c := range p.changed {
		if !c.exists {
			names = append(names, c.object.GetKind()+" "+c.object.GetName())
		}
	}
	return names
}

// warn writes an Event if a rotation has waited for pods for too long, unless the app is paused.
func (r *Reconciler) warn(app *todov1.TodoApp, p *plan) {
	if p.paused {
		return
	}
	r.warnWeak(app, p)
	if len(p.step.Waiting) > 0 && p.observed.now.Sub(waitingSince(app, p)) > waitWarningAfter {
		r.event(app, corev1.EventTypeWarning, todov1.ReasonWaitingForPods, "Rotate", "%s", rotationComplete(app, p).message)
	}
}

// waitingSince returns when the rotation began to wait: at the last change of the keys, or later, if a pod started that has yet
// to confirm that it does not trust a revoked key. A change that a wrong clock dated in the future does not count.
func waitingSince(app *todov1.TodoApp, p *plan) time.Time {
	condition := meta.FindStatusCondition(app.Status.Conditions, todov1.ConditionRotationComplete)
	if condition == nil || condition.Status == metav1.ConditionTrue {
		return p.observed.now
	}
	if last := lastChange(p.step.Ring); last.After(condition.LastTransitionTime.Time) && !last.After(p.observed.now) {
		return last
	}
	return condition.LastTransitionTime.Time
}
