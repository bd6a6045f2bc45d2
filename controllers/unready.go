package controllers

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// readyDeadline is how long the containers of a pod may run without being ready before the pod counts as not ready.
const readyDeadline = time.Minute

// late returns the first pod of a component whose containers run and are not ready for longer than the deadline; nil if there is
// none.
func (w *snapshot) late(component string) *corev1.Pod {
	for i := range w.pods {
		pod := &w.pods[i]
		if w.serves(pod, component) && unready(pod) && w.now.Sub(unreadySince(pod)) > readyDeadline {
			return pod
		}
	}
	return nil
}

// unready reports whether all containers of a pod run and the pod is not ready.
func unready(pod *corev1.Pod) bool {
	return !ready(pod) && len(pod.Status.ContainerStatuses) > 0 &&
		!slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.State.Running == nil })
}

// unreadySince returns when the last container of an unready pod started, or when the pod was last ready if that is later.
func unreadySince(pod *corev1.Pod) time.Time {
	var since time.Time
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running != nil && c.State.Running.StartedAt.After(since) {
			since = c.State.Running.StartedAt.Time
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.LastTransitionTime.After(since) {
			since = c.LastTransitionTime.Time
		}
	}
	return since
}

// podsUnready reports whether a pod of the app runs and is not ready. The end of its deadline is no event.
func (w *snapshot) podsUnready() bool {
	return slices.ContainsFunc(w.pods, func(pod corev1.Pod) bool {
		return w.ownPod(&pod) && pod.DeletionTimestamp == nil && !finished(&pod) && unready(&pod)
	})
}

// replacing assesses a rollout whose old pods still serve. It fails if a new pod has started and does not become ready: such a
// rollout does not end by itself, like that of a pod that crashes. A container whose startup probe has time left only delays it.
func (w *snapshot) replacing(d *appsv1.Deployment, component string) assessment {
	pod := w.late(component)
	if pod == nil {
		return holds(todov1.ReasonProgressing, "%d pods are ready while they are replaced one by one.", d.Status.ReadyReplicas)
	}
	message := fmt.Sprintf("%d pods are ready while they are replaced one by one. The rollout waits for pod %s, which runs and does "+
		"not become ready: see kubectl logs -n %s %s.", d.Status.ReadyReplicas, pod.Name, pod.Namespace, pod.Name)
	if started(pod) {
		return fails(todov1.ReasonNotReady, "%s", message)
	}
	return holds(todov1.ReasonProgressing, "%s", message)
}

// refusedPods returns why the cluster refuses the pods of a Deployment, and what to do; empty if it does not.
func refusedPods(d *appsv1.Deployment, component string) string {
	c := deploymentCondition(d, appsv1.DeploymentReplicaFailure)
	if c == nil || c.Status != corev1.ConditionTrue {
		return ""
	}
	return fmt.Sprintf("The cluster refuses the pods: %s%s", c.Message, advice(c.Message, component))
}

// heldRollout returns why the cluster refuses pods that are to replace others, for a rotation that waits for them; empty if it
// refuses none.
func (w *snapshot) heldRollout() string {
	for _, component := range []string{todov1.ComponentBackend, todov1.ComponentFrontend} {
		if d := w.deployment(component); d != nil && rolling(d) {
			if why := refusedPods(d, component); why != "" {
				return fmt.Sprintf(" Deployment %s cannot replace its pods. %s", d.Name, why)
			}
		}
	}
	return ""
}
