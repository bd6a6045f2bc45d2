package controllers

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func TestASilentPodIsNamed(t *testing.T) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}}
	silent := podWith(func(*corev1.Pod) {})
	p := &plan{
		observed: &snapshot{pods: []corev1.Pod{silent}, answers: answers{
			silent.UID: {err: errors.New("does not answer at 10.244.0.7:9090 (timeout)")}}},
		step: keyring.Step{Phase: keyring.PhasePublishing, Waiting: []string{silent.Name}},
	}
	want := "Pod todo-backend-x does not answer at 10.244.0.7:9090 (timeout): NetworkPolicy? mesh?"
	if got := rotationComplete(app, p).message; !strings.Contains(got, want) {
		t.Errorf("got %q", got)
	}
	p.observed.now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p.observed.pods[0].Spec.NodeName = "worker-1"
	p.observed.pods[0].DeletionTimestamp = new(metav1.NewTime(p.observed.now.Add(-2 * time.Minute)))
	if got := rotationComplete(app, p).message; !strings.Contains(got, "node worker-1 is gone, delete the Node object") {
		t.Errorf("of a pod that does not terminate: %q", got)
	}
	p.observed.pods[0].DeletionTimestamp = nil
	p.awaited = []*corev1.Pod{&p.observed.pods[0]}
	if got := keysInSync(app, p, nil).message; strings.Contains(got, "does not answer") {
		t.Errorf("of a pod that is not ready: %q", got)
	}
	p.observed.pods[0].Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if got := keysInSync(app, p, nil); got.status != metav1.ConditionTrue || !strings.Contains(got.message, want) {
		t.Errorf("without a rotation: %+v", got)
	}
	p.step.Waiting = []string{"another"}
	if got := rotationComplete(app, p).message; strings.Contains(got, "does not answer") {
		t.Errorf("of a pod that is not awaited: %q", got)
	}
}

func TestMessagesAreCut(t *testing.T) {
	c := condition("Ready", fails("ApplyFailed", "%s", strings.Repeat("é", 20000)))
	if len(c.Message) > longestMessage || len(c.Message) < longestMessage-4 || !utf8.ValidString(c.Message) {
		t.Errorf("a message of 40000 bytes became one of %d", len(c.Message))
	}
}

// A revocation that is asked for and cannot be carried out is not reported as done, though the keys in use have not changed.
func TestAPendingRevocationIsNotComplete(t *testing.T) {
	asked := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}}
	app.Spec.Auth.Rotation.RevokeBefore = &asked
	made := asked.Add(-time.Hour)
	ring := keyring.Ring{Keys: []keyring.Key{{Version: 1, Value: "1", CreatedAt: made, PromotedAt: made}}}
	p := &plan{observed: &snapshot{}, step: keyring.CurrentStep(ring, keyring.Inputs{
		Now: asked.Add(time.Hour), Policy: keyring.Policy{RevokeBefore: asked.Time}})}
	got := rotationComplete(app, p)
	if got.status != metav1.ConditionFalse || got.reason != todov1.ReasonRevocationPending ||
		!strings.Contains(got.message, "2026-01-02T03:04:05Z") {
		t.Errorf("got %+v", got)
	}
}

// TestAQueuedRotationDoesNotHideARevocation checks that an app tells of the pods that may use a revoked key, and asks them often,
// while its next rotation is queued. Otherwise the end of the revocation would be reported without live reads.
func TestAQueuedRotationDoesNotHideARevocation(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	before, revoked := now.Add(-time.Hour), now.Add(-time.Second)
	ring := keyring.Ring{Keys: []keyring.Key{
		{Version: 1, Value: "1", CreatedAt: before, PromotedAt: before, RevokedAt: revoked},
		{Version: 2, Value: "2", CreatedAt: revoked, PromotedAt: revoked},
	}}
	policy := keyring.Policy{RevokeBefore: revoked, RotateAfter: now}
	in := keyring.Inputs{Now: now, Policy: policy, HoldRotation: true, Recovery: keyring.Recovery{
		Backend: textOf(ring.Backend(now, policy)), Frontend: textOf(ring.Frontend(now, policy))}}
	for reason, pods := range map[string][]keyring.Pod{
		todov1.ReasonWaitingForPods: {{Name: "todo-backend-x", Trusts: []int64{1}}},
		todov1.ReasonQueued:         {{Name: "todo-backend-x", Trusts: []int64{2}}},
	} {
		in.Verifiers.Pods = pods
		p := &plan{observed: &snapshot{now: now}, step: keyring.CurrentStep(ring, in)}
		got, app := rotationComplete(&todov1.TodoApp{}, p), &todov1.TodoApp{}
		app.Status.Conditions = []metav1.Condition{condition(todov1.ConditionRotationComplete, got)}
		app.Status.Keys = keysOf(ring, policy, now)
		queued := reason == todov1.ReasonQueued
		if !p.step.Held || got.reason != reason || toldComplete(app, ring) != queued || (p.poll() == lastPoll) != queued {
			t.Errorf("of %v: held %t, reason %s, told to be complete: %t, polled every %s",
				pods, p.step.Held, got.reason, toldComplete(app, ring), p.poll())
		}
	}
}

// textOf returns the data of the Secret that holds a projection.
func textOf(p keyring.Projection) map[string][]byte {
	data := map[string][]byte{}
	for entry, value := range p.Data {
		data[entry] = []byte(value)
	}
	return data
}

// An owner whose clock is ahead asks for a revocation that begins later by the operator's clock.
func TestARevocationToComeIsNoted(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}}
	p := &plan{observed: &snapshot{now: now}, step: keyring.Step{Phase: keyring.PhaseStable}}
	for after, want := range map[time.Duration]int{time.Minute: 1, 0: 0, -time.Minute: 0} {
		moment := metav1.NewTime(now.Add(after))
		app.Spec.Auth.Rotation.RevokeBefore = &moment
		for _, p.step.Phase = range []keyring.Phase{
			keyring.PhaseStable, keyring.PhaseDraining, keyring.PhasePublishing, keyring.PhasePromoting,
		} {
			if got := rotationComplete(app, p).message; strings.Count(got, "has not begun") != want {
				t.Errorf("%s from now, %s: %q", after, p.step.Phase, got)
			}
		}
	}
}

// A transition time in the future was written while a clock was ahead. If it stayed, a rotation that waits would not be warned of.
func TestATransitionTimeInTheFutureIsReplaced(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for ahead, want := range map[time.Duration]time.Time{time.Hour: now, -time.Hour: now.Add(-time.Hour)} {
		app := &todov1.TodoApp{}
		app.Status.Conditions = []metav1.Condition{{Type: todov1.ConditionReady, Status: metav1.ConditionFalse,
			LastTransitionTime: metav1.NewTime(now.Add(ahead))}}
		c := condition(todov1.ConditionReady, fails(todov1.ReasonNotReady, "x"))
		if stamp(&c, app, now); !c.LastTransitionTime.Time.Equal(want) {
			t.Errorf("%s ahead: %s", ahead, c.LastTransitionTime)
		}
	}
}
