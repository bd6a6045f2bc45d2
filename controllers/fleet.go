package controllers

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// fleet is what is known of one side of an app. A pod counts until it is gone: one that is terminating still serves.
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
		if rs.Labels[todov1.LabelComponent] == component && w.ownReplicaSet(rs) && number(rs.Spec.Replicas) > 0 {
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

// podKeys is what one pod is known to do: by what it answers, by what it was started with, or, for a pod that someone
// else runs, by what its Secret held before the pod was created.
func (w *snapshot) podKeys(pod *corev1.Pod) keyring.Pod {
	if w.reloads(pod) {
		return keyring.Pod{Name: pod.Name, Trusts: w.answers[pod.UID].versions}
	}
	if w.ownPod(pod) {
		return startedWith(pod.Name, pod.Annotations)
	}
	secret := w.secrets[pod.Labels[todov1.LabelComponent]]
	if secret != nil && pod.CreationTimestamp.After(written(secret)) {
		return startedWith(pod.Name, secret.Annotations)
	}
	return keyring.Pod{Name: pod.Name}
}

// startedWith reads the versions that a pod, a template or a Secret is annotated with.
func startedWith(name string, annotations map[string]string) keyring.Pod {
	versions, err := keyring.ParseVersions(annotations[todov1.AnnotationKeys])
	if err != nil {
		return keyring.Pod{Name: name}
	}
	return keyring.Pod{Name: name, Trusts: versions, Signs: versions[0]}
}

// appendTemplate adds the pods to come of a template that carries its keys; one that reloads them will mount the
// Secret as it is by then.
func appendTemplate(pods []keyring.Pod, name string, template corev1.PodTemplateSpec) []keyring.Pod {
	if _, annotated := template.Annotations[todov1.AnnotationKeys]; !annotated {
		return pods
	}
	return append(pods, startedWith(name, template.Annotations))
}

// scheduled reports whether a pod has a node and may therefore have mounted a Secret.
func scheduled(pod *corev1.Pod) bool { return pod.Spec.NodeName != "" }

func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// written is when the operator last changed an object, by the API server's clock.
func written(object metav1.Object) time.Time {
	var last time.Time
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == FieldOwner && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

// unconfirmed lists the running pods that can be asked and do not say that they trust the given versions and no other.
// Their order does not matter to a verifier, so a promotion disturbs no pod.
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
