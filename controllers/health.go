package controllers

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// assessment is a condition without its type.
type assessment struct {
	status  metav1.ConditionStatus
	reason  string
	message string
}

func holds(reason, message string, args ...any) assessment {
	return assessment{metav1.ConditionTrue, reason, fmt.Sprintf(message, args...)}
}

func fails(reason, message string, args ...any) assessment {
	return assessment{metav1.ConditionFalse, reason, fmt.Sprintf(message, args...)}
}

// health says whether a side has its pods and, if not, what keeps it from having them.
func (w *snapshot) health(component string) assessment {
	d := w.deployment(component)
	if d == nil {
		return fails(todov1.ReasonProgressing, "The Deployment is being created.")
	}
	wanted, status := number(d.Spec.Replicas), d.Status
	current := status.ObservedGeneration >= d.Generation
	if current && status.ReadyReplicas >= wanted && status.UpdatedReplicas == wanted && status.Replicas == wanted {
		if wanted == 0 {
			return holds(todov1.ReasonScaledToZero, "No pods are asked for.")
		}
		return holds(todov1.ReasonAvailable, "%d of %d pods are ready.", status.ReadyReplicas, wanted)
	}
	if problem, found := w.problem(d, component); found {
		return problem
	}
	if status.AvailableReplicas >= wanted && d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		return holds(todov1.ReasonProgressing, "%d pods are ready while they are replaced one by one.", status.ReadyReplicas)
	}
	return fails(todov1.ReasonProgressing, "%d of %d pods are ready.", status.ReadyReplicas, wanted)
}

// problem finds what someone must mend.
func (w *snapshot) problem(d *appsv1.Deployment, component string) (assessment, bool) {
	for _, condition := range d.Status.Conditions {
		if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
			return fails(todov1.ReasonForbidden, "The cluster refuses the pods: %s", condition.Message), true
		}
	}
	for i := range w.pods {
		pod := &w.pods[i]
		if pod.Labels[todov1.LabelComponent] != component || !desired.Managed(pod) || pod.DeletionTimestamp != nil {
			continue
		}
		if problem, found := w.podProblem(pod); found {
			return problem, true
		}
	}
	for _, condition := range d.Status.Conditions {
		if condition.Type == appsv1.DeploymentProgressing && condition.Status == corev1.ConditionFalse {
			return fails(todov1.ReasonNotReady, "Pods run and do not become ready; see kubectl logs deployment/%s.", d.Name), true
		}
	}
	return assessment{}, false
}

func (w *snapshot) podProblem(pod *corev1.Pod) (assessment, bool) {
	for _, container := range pod.Status.ContainerStatuses {
		if problem, found := containerProblem(pod.Name, container); found {
			return problem, true
		}
	}
	return w.unscheduled(pod)
}

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

// aboutVolumes tells whether it is a volume that keeps a pod from a node: a claim may also be pending because it waits
// for the pod to have one.
func aboutVolumes(message string) bool {
	message = strings.ReplaceAll(strings.ToLower(message), " ", "")
	return strings.Contains(message, "persistentvolume") || strings.Contains(message, "storageclass")
}

func mounts(pod *corev1.Pod, claim string) bool {
	for _, volume := range pod.Spec.Volumes {
		if source := volume.PersistentVolumeClaim; source != nil && source.ClaimName == claim {
			return true
		}
	}
	return false
}

// containerProblem reads what a container waits for. Its output is not shown: it may hold anything.
func containerProblem(pod string, c corev1.ContainerStatus) (assessment, bool) {
	waiting := c.State.Waiting
	if waiting == nil {
		return assessment{}, false
	}
	switch waiting.Reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable":
		return fails(todov1.ReasonImageUnavailable, "Image %s cannot be pulled for pod %s: %s", c.Image, pod, waiting.Message), true
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		if strings.Contains(waiting.Message, "not found") || strings.Contains(waiting.Message, "couldn't find key") {
			return fails(todov1.ReasonSecretMissing, "Pod %s cannot start: %s. It starts by itself once that exists.",
				pod, waiting.Message), true
		}
		return fails(todov1.ReasonCrashing, "Pod %s cannot start: %s", pod, waiting.Message), true
	case "CrashLoopBackOff":
		return fails(todov1.ReasonCrashing, "The container of pod %s exits%s; see kubectl logs %s --previous.",
			pod, exitOf(c), pod), true
	}
	return assessment{}, false
}

func exitOf(c corev1.ContainerStatus) string {
	if last := c.LastTerminationState.Terminated; last != nil {
		return fmt.Sprintf(" with code %d (%s), %d times so far", last.ExitCode, last.Reason, c.RestartCount)
	}
	return " again and again"
}
