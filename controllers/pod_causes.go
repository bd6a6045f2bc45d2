package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// startPatience is how long a pod may take to create its containers before the cause is looked up.
const startPatience = 10 * time.Second

// mostCauseReads bounds the requests about causes in one reconcile. A hundred pods that each refer to a hundred Secrets would
// otherwise take the manager's whole rate of requests.
const mostCauseReads = 20

// findCauses reads why pods do not start if their own status does not say it: a Secret or ConfigMap that does not exist or lacks an
// entry, or an Event of the kubelet about a volume. It sends requests only for pods that are stuck. If a cause cannot be read, the
// reconcile goes on.
func (r *Reconciler) findCauses(ctx context.Context, w *snapshot, app *todov1.TodoApp) {
	w.causes = map[types.UID]assessment{}
	reads := needReads{known: map[string]map[string][]byte{}, left: mostCauseReads}
	for i := range w.pods {
		pod := &w.pods[i]
		young := r.Now().Sub(pod.CreationTimestamp.Time) <= startPatience
		if !w.serves(pod, pod.Labels[todov1.LabelComponent]) || !stuck(pod) || creating(pod) && young {
			continue
		}
		if reads.left <= 0 {
			return
		}
		cause, err := r.findMissing(ctx, pod, app, &reads)
		if err == nil && cause.reason == "" && reads.left > 0 && creating(pod) {
			reads.left--
			cause, err = r.findEvent(ctx, pod)
		}
		if err != nil {
			log.FromContext(ctx).V(1).Info("cannot read why a pod does not start", "pod", pod.Name, "error", err.Error())
		}
		if cause.reason != "" {
			w.causes[pod.UID] = cause
		}
	}
}

// creating reports whether the kubelet has yet to create the containers of a pod, which it does once volumes are mounted.
func creating(pod *corev1.Pod) bool {
	return !slices.ContainsFunc(slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses),
		func(c corev1.ContainerStatus) bool {
			return c.State.Waiting == nil || c.State.Waiting.Reason != "ContainerCreating" && c.State.Waiting.Reason != "PodInitializing"
		})
}

// stuck reports whether a pod has a node and a container that does not run there.
func stuck(pod *corev1.Pod) bool {
	statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	return pod.Spec.NodeName != "" && !finished(pod) && !ready(pod) && (len(statuses) == 0 ||
		slices.ContainsFunc(statuses, func(c corev1.ContainerStatus) bool { return c.State.Waiting != nil }))
}

// findEvent returns the newest warning of the kubelet or the volume controller about a pod that has not started.
func (r *Reconciler) findEvent(ctx context.Context, pod *corev1.Pod) (assessment, error) {
	var list eventsv1.EventList
	err := r.Live.List(ctx, &list, client.InNamespace(pod.Namespace), client.MatchingFields{
		"regarding.kind": "Pod", "regarding.name": pod.Name, "type": corev1.EventTypeWarning}, client.Limit(pageSize))
	if err != nil {
		return assessment{}, fmt.Errorf("listing the Events of pod %s: %w", pod.Name, err)
	}
	var newest *eventsv1.Event
	for i := range list.Items {
		e := &list.Items[i]
		about := e.Regarding.UID == pod.UID && slices.Contains(startFailures, e.Reason)
		if about && (newest == nil || eventTime(e).After(eventTime(newest))) {
			newest = e
		}
	}
	if newest == nil {
		return assessment{}, nil
	}
	return eventProblem(pod, newest.Reason, newest.Note), nil
}

// startFailures are the reasons of Events that tell why a pod does not start, and that its status does not repeat.
var startFailures = []string{"FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox"}

// eventTime returns when an Event was last seen. The kubelet still fills the deprecated fields.
func eventTime(e *eventsv1.Event) time.Time {
	if e.Series != nil {
		return e.Series.LastObservedTime.Time
	}
	if !e.DeprecatedLastTimestamp.IsZero() {
		return e.DeprecatedLastTimestamp.Time
	}
	return e.EventTime.Time
}

// eventProblem turns an Event about a pod that does not start into an assessment.
func eventProblem(pod *corev1.Pod, reason, note string) assessment {
	if reason == "FailedCreatePodSandBox" {
		return fails(todov1.ReasonCrashing, "Pod %s cannot start (%s): %s", pod.Name, reason, note)
	}
	if strings.Contains(note, "not found") && strings.Contains(note, "secret") {
		return fails(todov1.ReasonSecretMissing, "Pod %s cannot start: %s. It starts by itself once that exists.", pod.Name, note)
	}
	return fails(todov1.ReasonMountFailed, "Pod %s waits for a volume (%s): %s", pod.Name, reason, note)
}

// podsStuck reports whether a pod waits on its node for something whose end changes no object that is watched.
func (w *snapshot) podsStuck() bool {
	return slices.ContainsFunc(w.pods, func(pod corev1.Pod) bool {
		return w.ownPod(&pod) && pod.DeletionTimestamp == nil && stuck(&pod)
	})
}
