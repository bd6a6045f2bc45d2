package controllers

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// unreadyFor returns a pod that has run for a time, and was ready until a time ago; zero if it never was.
func unreadyFor(now time.Time, running, sinceReady time.Duration) corev1.Pod {
	return podWith(func(p *corev1.Pod) {
		p.CreationTimestamp = metav1.NewTime(now.Add(-running))
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Started: new(true), State: corev1.ContainerState{
			Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.Add(-running))}}}}
		if sinceReady > 0 {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse,
				LastTransitionTime: metav1.NewTime(now.Add(-sinceReady))}}
		}
	})
}

// unstarted returns a pod whose startup probe has not succeeded yet.
func unstarted(pod corev1.Pod) corev1.Pod {
	pod.Status.ContainerStatuses[0].Started = new(false)
	return pod
}

func TestAPodThatRunsAndDoesNotBecomeReady(t *testing.T) {
	now := time.Unix(1e9, 0)
	first := appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, Conditions: []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated"}}}
	replaced := first
	replaced.Replicas, replaced.UpdatedReplicas, replaced.ReadyReplicas, replaced.AvailableReplicas = 3, 1, 2, 2
	const log = "kubectl logs -n shop todo-backend-x"
	for name, c := range map[string]struct {
		pod          corev1.Pod
		status       appsv1.DeploymentStatus
		want         metav1.ConditionStatus
		reason, says string
	}{
		"for a minute in the first rollout": {unreadyFor(now, time.Minute, 0), first,
			metav1.ConditionFalse, todov1.ReasonProgressing, "0 of 2"},
		"for longer in the first rollout": {unreadyFor(now, 61*time.Second, 0), first,
			metav1.ConditionFalse, todov1.ReasonNotReady, log},
		"since a moment ago": {unreadyFor(now, time.Hour, time.Second), first,
			metav1.ConditionFalse, todov1.ReasonProgressing, "0 of 2"},
		"while the old pods serve": {unreadyFor(now, 61*time.Second, 0), replaced,
			metav1.ConditionFalse, todov1.ReasonNotReady,
			"2 pods are ready while they are replaced one by one. " +
				"The rollout waits for pod todo-backend-x, which runs and does not become ready: see " + log},
		"in its startup probe, while the old pods serve": {unstarted(unreadyFor(now, 61*time.Second, 0)), replaced,
			metav1.ConditionTrue, todov1.ReasonProgressing,
			"The rollout waits for pod todo-backend-x, which runs and does not become ready: see " + log},
		"young, while the old pods serve": {unreadyFor(now, time.Second, 0), replaced,
			metav1.ConditionTrue, todov1.ReasonProgressing, "2 pods are ready while they are replaced one by one."},
	} {
		t.Run(name, func(t *testing.T) {
			w := snapshot{now: now, deployments: []appsv1.Deployment{deployed(c.status)}, pods: []corev1.Pod{c.pod}}
			w.own = managed(&w)
			got := w.health(todov1.ComponentBackend)
			if got.status != c.want || got.reason != c.reason || !strings.Contains(got.message, c.says) {
				t.Errorf("got %+v", got)
			}
			if p := (&plan{observed: &w}).poll(); p != lastPoll {
				t.Errorf("the app is read again after %s: the end of the deadline is no event", p)
			}
		})
	}
}

// A rotation that waits for pods which a quota refuses says so.
func TestARotationNamesTheQuotaThatHoldsIt(t *testing.T) {
	held := deployed(appsv1.DeploymentStatus{Replicas: 2, ReadyReplicas: 2, AvailableReplicas: 2,
		Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
			Message: "exceeded quota: team"}}})
	w := snapshot{deployments: []appsv1.Deployment{held}}
	const want = " Deployment todo-backend cannot replace its pods. " +
		"The cluster refuses the pods: exceeded quota: team. Raise the ResourceQuota"
	if got := w.heldRollout(); !strings.HasPrefix(got, want) || !strings.Contains(got, "{maxSurge: 0, maxUnavailable: 1}") {
		t.Errorf("got %q", got)
	}
	w.deployments[0].Status.UpdatedReplicas = 2
	if got := w.heldRollout(); got != "" {
		t.Errorf("nothing is replaced, and it says %q", got)
	}
}
