package controllers

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// ownWorkloads returns the UIDs of the ReplicaSets and pods that the operator's own Deployments of an app made. Labels
// alone prove nothing: any user who may create pods in the namespace can set them.
func ownWorkloads(app *todov1.TodoApp, w *snapshot) map[types.UID]bool {
	own := map[types.UID]bool{}
	for i := range w.deployments {
		if d := &w.deployments[i]; desired.Managed(d) && metav1.IsControlledBy(d, app) {
			own[d.UID] = true
		}
	}
	controlled := func(object metav1.Object) bool {
		owner := metav1.GetControllerOf(object)
		return owner != nil && own[owner.UID]
	}
	for i := range w.replicaSets {
		if rs := &w.replicaSets[i]; desired.Managed(rs) && controlled(rs) {
			own[rs.UID] = true
		}
	}
	for i := range w.pods {
		if pod := &w.pods[i]; desired.Managed(pod) && controlled(pod) {
			own[pod.UID] = true
		}
	}
	return own
}

// ownPod reports whether the operator's own Deployment made a pod.
func (w *snapshot) ownPod(pod *corev1.Pod) bool { return w.own[pod.UID] }

// ownReplicaSet reports whether the operator's own Deployment made a ReplicaSet.
func (w *snapshot) ownReplicaSet(rs *appsv1.ReplicaSet) bool { return w.own[rs.UID] }

// reloads reports whether a pod runs the embedded API, which can be asked for its keys.
func (w *snapshot) reloads(pod *corev1.Pod) bool {
	_, annotated := pod.Annotations[todov1.AnnotationKeys]
	return w.ownPod(pod) && !annotated && pod.Labels[todov1.LabelComponent] == todov1.ComponentBackend
}

// answeringPods returns the pods that can say which keys they trust.
func (w *snapshot) answeringPods() []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range w.pods {
		if pod := &w.pods[i]; w.answering(pod) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// answering reports whether a pod can say which keys it trusts. A pod that ends and is no longer ready is not asked: it
// counts as a pod of which nothing is known, until it is gone.
func (w *snapshot) answering(pod *corev1.Pod) bool {
	return w.reloads(pod) && !finished(pod) && pod.Status.PodIP != "" && (pod.DeletionTimestamp == nil || ready(pod))
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
