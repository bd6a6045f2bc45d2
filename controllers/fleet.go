package controllers

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// fleet returns the pods of a component with the keys that they are known to use. A terminating pod still serves, so it counts.
// A ReplicaSet that wants pods and a Deployment count as the pods that they may start at any moment. A pod without a node
// does not count: it has mounted nothing, and if it is scheduled later, it starts with the Secrets as they are by then.
// Secrets are read before pods are listed, so keyring.Next only takes a step that is safe for such a pod.
func (w *snapshot) fleet(component string) keyring.Fleet {
	var fleet keyring.Fleet
	for i := range w.pods {
		if pod := &w.pods[i]; pod.Labels[todov1.LabelComponent] == component && !finished(pod) && scheduled(pod) {
			fleet.Pods = append(fleet.Pods, w.podKeys(pod))
		}
	}
	for i := range w.replicaSets {
		rs := &w.replicaSets[i]
		if rs.Labels[todov1.LabelComponent] == component && w.ownReplicaSet(rs) && ptr.Deref(rs.Spec.Replicas, 0) > 0 {
			fleet.Pods = appendTemplate(fleet.Pods, "replicaset/"+rs.Name, rs.Spec.Template)
		}
	}
	if d := w.deployment(component); d != nil {
		fleet.Pods = appendTemplate(fleet.Pods, "deployment/"+d.Name, d.Spec.Template)
	}
	fleet.ExternallyManaged = component == todov1.ComponentFrontend && len(fleet.Pods) == 0
	if secret := w.secrets[component]; secret != nil {
		fleet.WrittenAt = written(secret)
	}
	return fleet
}

// podKeys returns which keys a pod is known to use: by its answer, by the annotation that it was started with, or, for a pod that
// the operator does not run, by the annotation of its Secret if the pod is younger than the Secret. If the Secret lacks a record of
// the operator's writes, because it was restored from a backup for example, the pod's keys are unknown.
func (w *snapshot) podKeys(pod *corev1.Pod) keyring.Pod {
	if w.reloads(pod) {
		return keyring.Pod{Name: pod.Name, Trusts: w.answers[pod.UID].versions}
	}
	if w.ownPod(pod) {
		return startedWith(pod.Name, pod.Annotations)
	}
	secret := w.secrets[pod.Labels[todov1.LabelComponent]]
	if secret != nil && !written(secret).IsZero() && pod.CreationTimestamp.After(written(secret)) {
		return startedWith(pod.Name, secret.Annotations)
	}
	return keyring.Pod{Name: pod.Name}
}

// startedWith reads the versions in the annotations of a pod, a template or a Secret.
func startedWith(name string, annotations map[string]string) keyring.Pod {
	versions, err := keyring.ParseVersions(annotations[todov1.AnnotationKeys])
	if err != nil {
		return keyring.Pod{Name: name}
	}
	return keyring.Pod{Name: name, Trusts: versions, Signs: versions[0]}
}

// appendTemplate adds a template as the pods that may start from it, if it has an annotation of keys. Pods that reload their keys
// have none: they mount the Secret as it is when they start.
func appendTemplate(pods []keyring.Pod, name string, template corev1.PodTemplateSpec) []keyring.Pod {
	if _, annotated := template.Annotations[todov1.AnnotationKeys]; !annotated {
		return pods
	}
	return append(pods, startedWith(name, template.Annotations))
}

// scheduled reports whether a pod has a node and may therefore have mounted a Secret. A pod of which the cache holds only the
// identity may have one.
func scheduled(pod *corev1.Pod) bool { return pod.Spec.NodeName != "" || trimmed(pod) }

func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// written returns when the operator last changed an object, by the API server's clock. It is the zero time if there is no record.
func written(object metav1.Object) time.Time {
	var last time.Time
	for _, entry := range object.GetManagedFields() {
		if own(entry) && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

// unconfirmed returns the running pods that can be asked and have not answered that they trust exactly the given versions. The
// order of the versions makes no difference to them, so a promotion disturbs no pod.
func (w *snapshot) unconfirmed(versions []int64) []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range w.pods {
		pod := &w.pods[i]
		running := !finished(pod) && pod.Status.PodIP != "" && pod.DeletionTimestamp == nil
		if running && w.reloads(pod) && !same(w.answers[pod.UID].versions, versions) {
			pods = append(pods, pod)
		}
	}
	return pods
}

func same(a, b []int64) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func (w *snapshot) deployment(component string) *appsv1.Deployment {
	for i := range w.deployments {
		if d := &w.deployments[i]; d.Labels[todov1.LabelComponent] == component && desired.Managed(d) {
			return d
		}
	}
	return nil
}
