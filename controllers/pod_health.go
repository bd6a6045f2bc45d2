package controllers

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// podProblem returns why a pod does not run: a Secret that is missing, a container, a volume, or no node.
func (w *snapshot) podProblem(pod *corev1.Pod) (assessment, bool) {
	cause, known := w.causes[pod.UID]
	if known && cause.reason == todov1.ReasonSecretMissing {
		return cause, true
	}
	for _, container := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if problem, found := containerProblem(pod, container); found {
			return problem, true
		}
	}
	if known {
		return cause, true
	}
	return w.unscheduled(pod)
}

// unscheduled returns why the scheduler finds no node for a pod.
func (w *snapshot) unscheduled(pod *corev1.Pod) (assessment, bool) {
	for _, condition := range pod.Status.Conditions {
		if condition.Type != corev1.PodScheduled || condition.Status != corev1.ConditionFalse {
			continue
		}
		for i := range w.claims {
			claim := &w.claims[i]
			if claim.Status.Phase == corev1.ClaimPending && mounts(pod, claim.Name) && aboutVolumes(condition.Message) {
				return fails(todov1.ReasonVolumePending,
					"PersistentVolumeClaim %s is not bound (%s): give the cluster a volume or a StorageClass for it; to choose another "+
						"class, delete the TodoApp and the claim first.", claim.Name, condition.Message), true
			}
		}
		return fails(todov1.ReasonUnschedulable, "Pod %s finds no node: %s", pod.Name, condition.Message), true
	}
	return assessment{}, false
}

// aboutVolumes reports whether a volume keeps a pod from a node. A claim may also be pending because it waits for its
// first pod to be scheduled.
func aboutVolumes(message string) bool {
	message = strings.ReplaceAll(strings.ToLower(message), " ", "")
	return strings.Contains(message, "persistentvolume") || strings.Contains(message, "storageclass")
}

// claimMismatch says how the claim of the data volume differs from the spec in a field that cannot change; empty if it does
// not. Such a claim was made before the app, or the spec has changed past admission.
func (w *snapshot) claimMismatch(app *todov1.TodoApp) string {
	spec := app.Spec.Backend.Storage.SQLite
	for i := range w.claims {
		claim := &w.claims[i]
		if claim.Name != desired.Data(app) {
			continue
		}
		var want *string
		if spec != nil {
			want = spec.StorageClassName
		}
		have := claim.Spec.StorageClassName
		if want != nil && have != nil && *have != *want {
			return fmt.Sprintf("PersistentVolumeClaim %s has StorageClass %q, spec.backend.storage.sqlite.storageClassName asks for %q, "+
				"and a claim cannot change its class: set the field to %q, or move the data to a new claim.", claim.Name, *have, *want, *have)
		}
		modes := claim.Spec.AccessModes
		if len(modes) > 1 || len(modes) == 1 && modes[0] != corev1.ReadWriteOnce {
			return fmt.Sprintf("PersistentVolumeClaim %s has access modes %v and the operator needs ReadWriteOnce alone, which a claim "+
				"cannot change: move the data to a new claim, and delete this one.", claim.Name, modes)
		}
	}
	return ""
}

func mounts(pod *corev1.Pod, claim string) bool {
	for _, volume := range pod.Spec.Volumes {
		if source := volume.PersistentVolumeClaim; source != nil && source.ClaimName == claim {
			return true
		}
	}
	return false
}

// containerProblem returns why a container does not run. It never shows the container's output, which may hold secrets.
func containerProblem(pod *corev1.Pod, c corev1.ContainerStatus) (assessment, bool) {
	waiting := c.State.Waiting
	if restarts(c) {
		waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
	}
	if waiting == nil {
		return assessment{}, false
	}
	switch waiting.Reason {
	case "", "ContainerCreating", "PodInitializing":
		return assessment{}, false
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError",
		"SignatureValidationFailed":
		return fails(todov1.ReasonImageUnavailable, "Image %s cannot be pulled for pod %s: %s", c.Image, pod.Name, waiting.Message), true
	case "CrashLoopBackOff":
		return fails(todov1.ReasonCrashing, "Container %s of pod %s exits%s; see kubectl logs -n %s %s -c %s --previous.",
			c.Name, pod.Name, exitOf(c), pod.Namespace, pod.Name, c.Name), true
	}
	if strings.Contains(waiting.Message, "not found") || strings.Contains(waiting.Message, "couldn't find key") {
		return fails(todov1.ReasonSecretMissing, "Pod %s cannot start: %s. It starts by itself once that exists.",
			pod.Name, waiting.Message), true
	}
	return fails(todov1.ReasonCrashing, "Container %s of pod %s cannot start (%s): %s%s",
		c.Name, pod.Name, waiting.Reason, waiting.Message, userAdvice(pod, waiting.Message)), true
}

// userAdvice says what to set if the kubelet does not start an image because of its user; empty for any other message.
func userAdvice(pod *corev1.Pod, message string) string {
	if !strings.Contains(message, "non-numeric user") && !strings.Contains(message, "image will run as root") {
		return ""
	}
	return fmt.Sprintf(". Set spec.%s.template.securityContext.runAsUser to the number of the image's user, such as 1001.",
		pod.Labels[todov1.LabelComponent])
}

// restarts reports whether a container that has failed at least twice has exited again, or has not started yet. It waits only
// between its attempts, and is as broken during one.
func restarts(c corev1.ContainerStatus) bool {
	last, exited := c.LastTerminationState.Terminated, c.State.Terminated
	again := exited != nil && exited.ExitCode != 0 || c.State.Running != nil && !ptr.Deref(c.Started, false)
	return again && c.RestartCount > 1 && last != nil && last.ExitCode != 0
}

func exitOf(c corev1.ContainerStatus) string {
	if last := c.LastTerminationState.Terminated; last != nil {
		return fmt.Sprintf(" with code %d (%s), %d times so far", last.ExitCode, last.Reason, c.RestartCount)
	}
	return " again and again"
}
