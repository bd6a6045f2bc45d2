package controllers

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// maxListed bounds how many pods the status names.
const maxListed = 10

// statusOf returns the status after a plan. It takes nothing from the earlier status but the times of unchanged conditions.
func statusOf(app *todov1.TodoApp, p *plan, applyErr error) todov1.TodoAppStatus {
	status := todov1.TodoAppStatus{
		ObservedGeneration: app.Generation, Plan: p.described,
		Frontend: &todov1.ComponentStatus{
			SecretName: desired.FrontendSecret(app), URL: desired.FrontendURL(app),
		},
		Backend: &todov1.ComponentStatus{
			SecretName: desired.BackendSecret(app), URL: desired.BackendURL(app),
		},
	}
	p.observed.count(app, todov1.ComponentFrontend, status.Frontend)
	p.observed.count(app, todov1.ComponentBackend, status.Backend)
	if ring := p.step.Ring; !ring.Empty() {
		status.Keys = keysOf(ring, policyOf(app), p.observed.now)
		status.Rotation = rotationOf(p.step)
	}
	status.Conditions = conditionsOf(app, p, applyErr)
	return status
}

func keysOf(ring keyring.Ring, policy keyring.Policy, now time.Time) []todov1.KeyStatus {
	var keys []todov1.KeyStatus
	for _, k := range slices.Backward(ring.Keys) {
		key := todov1.KeyStatus{
			Version: k.Version, State: todov1.KeyState(ring.State(k, now, policy.Validity())),
			CreatedAt: shown(k.CreatedAt), PromotedAt: shown(k.PromotedAt), RevokedAt: shown(k.RevokedAt),
		}
		if key.State == todov1.KeyRetiring && !k.DemotedAt.IsZero() {
			key.RetiresAt = shown(k.DemotedAt.Add(policy.Validity()))
		}
		keys = append(keys, key)
	}
	return keys
}

func rotationOf(step keyring.Step) *todov1.RotationStatus {
	active, _ := step.Ring.Active()
	rotation := &todov1.RotationStatus{
		Phase: todov1.RotationPhase(step.Phase), Next: shown(step.NextRotation), Last: shown(active.PromotedAt),
		WaitingFor: step.Waiting[:min(len(step.Waiting), maxListed)],
	}
	if step.Phase != keyring.PhaseStable {
		rotation.StartedAt = shown(step.Ring.Keys[len(step.Ring.Keys)-1].CreatedAt)
	}
	return rotation
}

// shown converts a time to the form of the API, to the second. It returns nil for the zero time.
func shown(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return new(metav1.NewTime(t.UTC().Truncate(time.Second)))
}

// count adds the pods of a component's Deployment to its status.
func (w *snapshot) count(app *todov1.TodoApp, component string, status *todov1.ComponentStatus) {
	if d := w.deployment(component); d != nil {
		status.Replicas, status.ReadyReplicas = d.Status.Replicas, d.Status.ReadyReplicas
		status.Selector = labels.SelectorFromSet(desired.Selector(app, component)).String()
	}
}

// conditionsOf returns all conditions. Ready takes its reason from the first of the others that is not true.
func conditionsOf(app *todov1.TodoApp, p *plan, applyErr error) []metav1.Condition {
	keys, backend := keysInSync(app, p, applyErr), p.observed.health(todov1.ComponentBackend)
	frontend := holds(todov1.ReasonNotManaged, "spec.frontend.image is not set: the operator runs no frontend.")
	if app.Spec.Frontend.Image != "" {
		frontend = p.observed.health(todov1.ComponentFrontend)
	}
	conditions := []metav1.Condition{
		condition(todov1.ConditionReady, readiness(p.observed.claimMismatch(app), applyErr, keys, backend, frontend)),
		condition(todov1.ConditionKeysInSync, keys),
		condition(todov1.ConditionBackendAvailable, backend),
		condition(todov1.ConditionFrontendAvailable, frontend),
	}
	if !p.step.Ring.Empty() {
		conditions = append(conditions, condition(todov1.ConditionRotationComplete, rotationComplete(app, p)),
			condition(todov1.ConditionKeysStrong, keysStrong(app, p)))
	}
	if app.Spec.Auth.Source != nil {
		conditions = append(conditions, condition(todov1.ConditionSourceValid, sourceValid(app, p)))
	}
	if ready := conditions[0]; ready.Status == metav1.ConditionFalse && todov1.Stalled(ready.Reason) {
		conditions = append(conditions, metav1.Condition{
			Type: todov1.ConditionStalled, Status: metav1.ConditionTrue, Reason: ready.Reason, Message: ready.Message})
	}
	if p.paused {
		conditions = append(conditions, condition(todov1.ConditionPaused, pausedCondition(p)))
	}
	if active := autoscalerActive(app, p.observed); active.reason != "" {
		conditions = append(conditions, condition(todov1.ConditionAutoscalerActive, active))
	}
	if accepted := routeAccepted(app, p.observed); accepted.reason != "" {
		conditions = append(conditions, condition(todov1.ConditionRouteAccepted, accepted))
	}
	for i := range conditions {
		stamp(&conditions[i], app, p.observed.now)
	}
	return conditions
}

// longestMessage is how many characters the API server admits in a condition's message; truncate counts bytes.
const longestMessage = 32768

func condition(kind string, v assessment) metav1.Condition {
	message := truncate(strings.TrimSpace(v.message), longestMessage)
	return metav1.Condition{Type: kind, Status: v.status, Reason: v.reason, Message: message}
}

// truncate returns text in at most the given number of bytes, with an ellipsis in place of the rest.
func truncate(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes-len("…")], "") + "…"
}

// stamp sets the generation of a condition, and its transition time if its status has changed. It also replaces a transition time
// in the future, which was written while a clock was ahead.
func stamp(c *metav1.Condition, app *todov1.TodoApp, now time.Time) {
	c.ObservedGeneration = app.Generation
	c.LastTransitionTime = *shown(now)
	before := meta.FindStatusCondition(app.Status.Conditions, c.Type)
	if before != nil && before.Status == c.Status && !before.LastTransitionTime.After(now) {
		c.LastTransitionTime = before.LastTransitionTime
	}
}

// oneLine joins the lines of an error by semicolons.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// readiness returns the first reason why an app is not ready: an object that the API server rejects, or a condition that
// is not true.
func readiness(mismatch string, applyErr error, parts ...assessment) assessment {
	if applyErr != nil && mismatch != "" {
		return fails(todov1.ReasonVolumeMismatch, "%s The API server says: %s.", mismatch, oneLine(applyErr))
	}
	if applyErr != nil {
		return fails(applyReason(applyErr), "%s.", oneLine(applyErr))
	}
	for _, part := range parts {
		if part.status != metav1.ConditionTrue {
			return assessment{metav1.ConditionFalse, part.reason, part.message}
		}
	}
	return holds(todov1.ReasonReady, "The stack runs, and frontend and backend hold the same keys.")
}
