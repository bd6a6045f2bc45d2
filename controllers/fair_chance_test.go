package controllers

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// completeAndInDoubt returns an app whose status says that nothing waits, and a plan that changes nothing but awaits a ready
// pod. The pod has left one request without an answer.
func completeAndInDoubt() (*todov1.TodoApp, *plan) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
	app.Status.ObservedGeneration = 3
	app.Status.Rotation = &todov1.RotationStatus{Phase: todov1.RotationStable}
	app.Status.Conditions = []metav1.Condition{
		{Type: todov1.ConditionKeysInSync, Status: metav1.ConditionTrue, Reason: todov1.ReasonInSync},
		{Type: todov1.ConditionRotationComplete, Status: metav1.ConditionTrue, Reason: todov1.ReasonComplete},
	}
	pod := podWith(func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	})
	given := answers{pod.UID: {err: errors.New("does not answer"), failures: 1}}
	p := &plan{
		observed: &snapshot{pods: []corev1.Pod{pod}, answers: given, keyring: &corev1.Secret{}}, keyring: &corev1.Secret{},
		step: keyring.Step{Phase: keyring.PhaseStable, Ring: keyring.Ring{Keys: []keyring.Key{{Version: 1}}}},
	}
	p.awaited = []*corev1.Pod{&p.observed.pods[0]}
	p.stale = p.awaited
	return app, p
}

// TestOnlyADoubtHoldsUpAPlan: everything but the silence of ready pods is told and written at once.
func TestOnlyADoubtHoldsUpAPlan(t *testing.T) {
	says := func(kind int, status metav1.ConditionStatus, reason string) func(*todov1.TodoApp, *plan) {
		return func(app *todov1.TodoApp, _ *plan) {
			app.Status.Conditions[kind].Status, app.Status.Conditions[kind].Reason = status, reason
		}
	}
	failed := func(times int) func(*todov1.TodoApp, *plan) {
		return func(_ *todov1.TodoApp, p *plan) {
			p.observed.answers["x"] = answer{err: errors.New("does not answer"), failures: times}
		}
	}
	for name, c := range map[string]struct {
		change func(*todov1.TodoApp, *plan)
		want   bool
	}{
		"one request in vain":        {failed(1), true},
		"its last chance":            {failed(fairChance - 1), true},
		"it had a fair chance":       {failed(fairChance), false},
		"a key that is draining":     {says(1, metav1.ConditionFalse, todov1.ReasonDraining), true},
		"a rotation waits for pods":  {says(1, metav1.ConditionFalse, todov1.ReasonWaitingForPods), false},
		"a revocation is pending":    {says(1, metav1.ConditionFalse, todov1.ReasonRevocationPending), false},
		"the app was blocked before": {says(0, metav1.ConditionFalse, todov1.ReasonSecretConflict), false},
		"an app without a status":    {func(app *todov1.TodoApp, _ *plan) { app.Status = todov1.TodoAppStatus{} }, false},
		"a changed spec":             {func(app *todov1.TodoApp, _ *plan) { app.Generation++ }, false},
		"a blocked app":              {func(_ *todov1.TodoApp, p *plan) { p.blocker = &blocker{} }, false},
		"a phase that is not shown":  {func(_ *todov1.TodoApp, p *plan) { p.step.Phase = keyring.PhasePublishing }, false},
		"a transition":               {func(_ *todov1.TodoApp, p *plan) { p.step.Action = keyring.ActionPublish }, false},
		"a changed object":           {func(_ *todov1.TodoApp, p *plan) { p.changed = []*change{{}} }, false},
		"an object to delete":        {func(_ *todov1.TodoApp, p *plan) { p.toPrune = []client.Object{&corev1.Service{}} }, false},
		"a changed keyring":          {func(_ *todov1.TodoApp, p *plan) { p.keyring.Labels = map[string]string{"a": "b"} }, false},
		"a change of a paused app": {func(_ *todov1.TodoApp, p *plan) {
			p.paused, p.changed = true, []*change{{}}
		}, true},
		"an answer with old keys": {func(_ *todov1.TodoApp, p *plan) {
			p.observed.answers["x"] = answer{versions: []int64{7}}
		}, false},
		"a pod that is not ready":   {func(_ *todov1.TodoApp, p *plan) { p.observed.pods[0].Status.Conditions = nil }, false},
		"a pod that was not asked":  {func(_ *todov1.TodoApp, p *plan) { p.observed.answers = nil }, false},
		"all pods confirm the keys": {func(_ *todov1.TodoApp, p *plan) { p.awaited, p.stale = nil, nil }, false},
		"a revocation that the status does not list": {func(_ *todov1.TodoApp, p *plan) {
			p.step.Ring.Keys[0].RevokedAt = time.Unix(1, 0)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			app, p := completeAndInDoubt()
			c.change(app, p)
			if got := p.premature(app); got != c.want {
				t.Errorf("the plan is held up: %t", got)
			}
		})
	}
}
