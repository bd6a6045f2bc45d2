package controllers

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
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

// health reports whether a component has its ready pods and, if not, why and what to do.
func (w *snapshot) health(component string) assessment {
	d := w.deployment(component)
	if d == nil {
		return fails(todov1.ReasonProgressing, "The Deployment is being created.")
	}
	wanted, status := ptr.Deref(d.Spec.Replicas, 0), d.Status
	if !rolling(d) && status.ReadyReplicas >= wanted {
		if wanted == 0 {
			return holds(todov1.ReasonScaledToZero, "No pods are asked for.")
		}
		if pod := w.storeState(component, storeFull); pod != "" {
			return fails(todov1.ReasonStoreFull, "The store of pod %s is full: tasks can be read and deleted, not created or changed. "+
				"Enlarge spec.backend.storage.sqlite.size or the database's disk, or delete tasks.", pod)
		}
		return holds(todov1.ReasonAvailable, "%d of %d pods are ready.", status.ReadyReplicas, wanted)
	}
	serving := rolling(d) && status.AvailableReplicas >= wanted && d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType
	if problem, found := w.problem(d, component, serving); found {
		return problem
	}
	if serving {
		return w.replacing(d, component)
	}
	if w.progressing(d, component) && w.late(component) == nil {
		return fails(todov1.ReasonProgressing, "%d of %d pods are ready.", status.ReadyReplicas, wanted)
	}
	return w.notReady(d, component)
}

// progressing reports whether pods that are not ready need nothing but time.
func (w *snapshot) progressing(d *appsv1.Deployment, component string) bool {
	return w.storeState(component, storeFailing) == "" && (rolling(d) || unfinishedRollout(d) || w.starting(component))
}

// rolling reports whether the Deployment's controller still has pods to create, replace or delete.
func rolling(d *appsv1.Deployment) bool {
	wanted, status := ptr.Deref(d.Spec.Replicas, 0), d.Status
	return status.ObservedGeneration < d.Generation || status.UpdatedReplicas != wanted || status.Replicas != wanted
}

// unfinishedRollout reports whether the pods of the present template have yet to become ready for the first time. A rollout
// that has ended keeps the reason NewReplicaSetAvailable, also if its pods fail later.
func unfinishedRollout(d *appsv1.Deployment) bool {
	condition := deploymentCondition(d, appsv1.DeploymentProgressing)
	return condition != nil && condition.Status == corev1.ConditionTrue && condition.Reason != "NewReplicaSetAvailable"
}

// notReady names the log of a pod that runs and is not ready.
func (w *snapshot) notReady(d *appsv1.Deployment, component string) assessment {
	log, node, pod := "deployment/"+d.Name, "", w.late(component)
	for i := 0; i < len(w.pods) && pod == nil; i++ {
		if p := &w.pods[i]; w.serves(p, component) && !ready(p) {
			pod = p
		}
	}
	if pod != nil {
		log = pod.Name
	}
	if pod != nil && pod.Spec.NodeName != "" {
		node = fmt.Sprintf(" If that gives no answer, see kubectl describe node %s.", pod.Spec.NodeName)
	}
	cause := ""
	if pod := w.storeState(component, storeFailing); pod != "" {
		cause = " because the store of pod " + pod + " fails"
	}
	return fails(todov1.ReasonNotReady, "%d of %d pods are ready, and the others do not become ready%s: see kubectl logs -n %s %s.%s",
		d.Status.ReadyReplicas, ptr.Deref(d.Spec.Replicas, 0), cause, d.Namespace, log, node)
}

// The states of the store that pods of the embedded API report, but for the usual one.
const storeFull, storeFailing = "full", "failing"

// storesLimited reports whether a pod's store is full or fails. Its recovery is no event, so such a pod is asked more often.
func (w *snapshot) storesLimited() bool {
	for _, a := range w.answers {
		if a.store == storeFull || a.store == storeFailing {
			return true
		}
	}
	return false
}

// storeState returns the name of a pod of a component that reports a state of its store; empty if there is none.
func (w *snapshot) storeState(component, state string) string {
	for i := range w.pods {
		if pod := &w.pods[i]; w.serves(pod, component) && w.answers[pod.UID].store == state {
			return pod.Name
		}
	}
	return ""
}

func deploymentCondition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range d.Status.Conditions {
		if c := &d.Status.Conditions[i]; c.Type == kind {
			return c
		}
	}
	return nil
}

// problem returns the first cause that keeps a Deployment from its pods and does not pass by itself.
// If the pods that a rollout replaces still serve, it is no failure that the cluster refuses more pods.
func (w *snapshot) problem(d *appsv1.Deployment, component string, serving bool) (assessment, bool) {
	if d.Spec.Paused && rolling(d) {
		return fails(todov1.ReasonPaused, "Deployment %s is paused, so new keys and changes do not reach its pods: "+
			"run kubectl rollout resume -n %s deployment/%s.", d.Name, d.Namespace, d.Name), true
	}
	switch refused := refusedPods(d, component); {
	case refused != "" && serving:
		return holds(todov1.ReasonForbidden, "%d pods are ready, and the rollout waits. %s", d.Status.ReadyReplicas, refused), true
	case refused != "":
		return fails(todov1.ReasonForbidden, "%s", refused), true
	}
	for i := range w.pods {
		pod := &w.pods[i]
		if !w.serves(pod, component) {
			continue
		}
		if problem, found := w.podProblem(pod); found {
			return problem, true
		}
	}
	if c := deploymentCondition(d, appsv1.DeploymentProgressing); c != nil && c.Status == corev1.ConditionFalse {
		return w.notReady(d, component), true
	}
	return assessment{}, false
}

// advice returns what to change if an admission plugin of the cluster refuses a pod; empty for an unknown one.
func advice(message, component string) string {
	switch {
	case strings.Contains(message, "exceeded quota"):
		return fmt.Sprintf(". Raise the ResourceQuota, or lower spec.%s.replicas or spec.%s.resources; "+
			"a rollout needs room for one pod more than it keeps, or spec.%s.template.strategy {maxSurge: 0, maxUnavailable: 1}.",
			component, component, component)
	case strings.Contains(message, "failed quota"), strings.Contains(message, "must specify"):
		return fmt.Sprintf(". Set spec.%s.resources.", component)
	case strings.Contains(message, "no PriorityClass"):
		return fmt.Sprintf(". Create it, or change spec.%s.template.priorityClassName.", component)
	case strings.Contains(message, "RuntimeClass"):
		return fmt.Sprintf(". Create it, or change spec.%s.template.runtimeClassName.", component)
	case strings.Contains(message, "violates PodSecurity"):
		return ". Use an image and a template that satisfy the namespace's Pod Security level."
	}
	return ""
}

// serves reports whether a pod is one of a component's own pods, and is not being deleted.
func (w *snapshot) serves(pod *corev1.Pod, component string) bool {
	return pod.Labels[todov1.LabelComponent] == component && w.ownPod(pod) && pod.DeletionTimestamp == nil && !finished(pod)
}

// startDeadline is how long a pod counts as starting. A Deployment waits as long for its pods.
const startDeadline = 10 * time.Minute

// starting reports whether a young pod of a component has a container that has not started yet.
func (w *snapshot) starting(component string) bool {
	for i := range w.pods {
		if pod := &w.pods[i]; w.serves(pod, component) && !started(pod) && w.now.Sub(pod.CreationTimestamp.Time) < startDeadline {
			return true
		}
	}
	return false
}

// started reports whether the kubelet has started all containers of a pod and their startup probes have passed.
func started(pod *corev1.Pod) bool {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Started == nil || !*c.Started {
			return false
		}
	}
	return len(pod.Status.ContainerStatuses) > 0
}
