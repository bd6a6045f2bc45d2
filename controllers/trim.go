package controllers

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	// largestKept bounds the size of a cached object, in bytes, because any user can label large objects for an app.
	largestKept = 32 << 10
	// annotationTrimmed marks cached objects of which too little is left to decide on.
	annotationTrimmed = "todoapp.dev/trimmed"
)

// trim returns the cache's transform for the objects of a kind: it drops what no decision reads. Of an object that is still
// too large, only its identity remains. The operator then takes it for changed and reads it from the API server.
func trim(kind client.Object) toolscache.TransformFunc {
	return func(received any) (any, error) {
		object, ok := received.(client.Object)
		if !ok || reflect.TypeOf(object) != reflect.TypeOf(kind) {
			return received, nil
		}
		shrink(object)
		kept := bounded(object)
		shareMetadata(kept)
		return kept, nil
	}
}

// bounded returns an object, or only its identity if the object is too large.
func bounded(object client.Object) client.Object {
	if sized, ok := object.(interface{ Size() int }); ok && sized.Size() <= largestKept {
		return object
	}
	return identityOf(object)
}

// shrink drops from an object what no decision reads.
func shrink(object client.Object) {
	object.SetManagedFields(slices.DeleteFunc(object.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return !own(e) }))
	switch object := object.(type) {
	case *corev1.Secret:
		trimSecret(object)
	case *corev1.Pod:
		trimMetadata(object)
		object.SetManagedFields(nil)
		object.Spec = references(&object.Spec)
	case *appsv1.ReplicaSet:
		trimMetadata(object)
		object.SetManagedFields(nil)
		object.Spec.Template.Labels, object.Spec.Selector = nil, nil
		object.Spec.Template.Annotations = operators(object.Spec.Template.Annotations)
		object.Spec.Template.Spec = references(&object.Spec.Template.Spec)
	}
}

// trimSecret keeps the operator's own entries and the names of the others, and the labels and annotations that the operator wrote.
func trimSecret(secret *corev1.Secret) {
	kept, notes := known(secret, "labels", secret.Labels), known(secret, "annotations", secret.Annotations)
	trimMetadata(secret)
	secret.Labels, secret.Annotations = kept, notes
	own := append(keyring.Entries(), keyring.StorageKey)
	for entry := range secret.Data {
		if !slices.Contains(own, entry) {
			secret.Data[entry] = nil
		}
	}
}

// known returns the labels or annotations whose meaning the operator knows, and those that it wrote itself.
func known(object client.Object, field string, all map[string]string) map[string]string {
	kept := operators(maps.Clone(all))
	if len(kept) == len(all) {
		return kept // the common case, in which no record is decoded
	}
	for _, entry := range object.GetManagedFields() {
		if !own(entry) || entry.FieldsV1 == nil {
			continue
		}
		fields, err := fieldSet(object, entry)
		if err != nil {
			continue
		}
		for name, value := range all {
			if fields.Has(fieldpath.MakePathOrDie("metadata", field, name)) {
				kept[name] = value
			}
		}
	}
	return kept
}

// trimMetadata drops labels and annotations that the operator does not read.
func trimMetadata(object client.Object) {
	object.SetLabels(operators(object.GetLabels()))
	object.SetAnnotations(operators(object.GetAnnotations()))
	object.SetFinalizers(nil)
	object.SetOwnerReferences(slices.DeleteFunc(object.GetOwnerReferences(), func(o metav1.OwnerReference) bool {
		return (o.Controller == nil || !*o.Controller) && o.Kind != "TodoApp"
	}))
}

// operators keeps the labels or annotations whose meaning the operator knows.
func operators(all map[string]string) map[string]string {
	maps.DeleteFunc(all, func(name, _ string) bool {
		return !strings.HasPrefix(name, "todoapp.dev/") && !strings.HasPrefix(name, "app.kubernetes.io/")
	})
	return all
}

// references returns the node and the references of a pod's spec.
func references(spec *corev1.PodSpec) corev1.PodSpec {
	kept := corev1.PodSpec{NodeName: spec.NodeName}
	kept.InitContainers = slices.Collect(referring(spec.InitContainers))
	kept.Containers = slices.Collect(referring(spec.Containers))
	for _, volume := range spec.Volumes {
		if volume.Secret != nil || volume.ConfigMap != nil || volume.PersistentVolumeClaim != nil || volume.Projected != nil {
			kept.Volumes = append(kept.Volumes, volume)
		}
	}
	return kept
}

// referring yields the names of containers and the references of their environments, without literal values.
func referring(containers []corev1.Container) func(func(corev1.Container) bool) {
	return func(yield func(corev1.Container) bool) {
		for _, c := range containers {
			env := slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool { return e.ValueFrom == nil })
			if !yield(corev1.Container{Name: c.Name, Env: slices.Clone(env), EnvFrom: c.EnvFrom}) {
				return
			}
		}
	}
}

// identityOf returns an object of the same type that holds only what tells whose it is and that it has changed.
func identityOf(object client.Object) client.Object {
	trimMetadata(object)
	kept, ok := reflect.New(reflect.TypeOf(object).Elem()).Interface().(client.Object)
	if !ok {
		return object
	}
	kept.SetNamespace(object.GetNamespace())
	kept.SetName(object.GetName())
	kept.SetUID(object.GetUID())
	kept.SetResourceVersion(object.GetResourceVersion())
	kept.SetGeneration(object.GetGeneration())
	kept.SetCreationTimestamp(object.GetCreationTimestamp())
	kept.SetDeletionTimestamp(object.GetDeletionTimestamp())
	kept.SetLabels(map[string]string{})
	for _, label := range []string{todov1.LabelApp, todov1.LabelComponent, "app.kubernetes.io/managed-by"} {
		if value, ok := object.GetLabels()[label]; ok {
			kept.GetLabels()[label] = strings.Clone(value)
		}
	}
	if owner := metav1.GetControllerOf(object); owner != nil {
		kept.SetOwnerReferences([]metav1.OwnerReference{*owner})
	}
	kept.SetAnnotations(map[string]string{annotationTrimmed: "true"})
	keepState(object, kept)
	return kept
}

// keepState copies from a large pod or ReplicaSet the fields that tell whether pods run or may start. A ReplicaSet of pods that
// read their keys at start counts with unknown keys.
func keepState(object, kept client.Object) {
	switch object := object.(type) {
	case *corev1.Pod:
		pod := kept.(*corev1.Pod) //nolint:forcetypeassert // identityOf returns the same type
		pod.Spec.NodeName, pod.Status.Phase, pod.Status.PodIP = object.Spec.NodeName, object.Status.Phase, object.Status.PodIP
	case *appsv1.ReplicaSet:
		rs := kept.(*appsv1.ReplicaSet) //nolint:forcetypeassert // identityOf returns the same type
		rs.Spec.Replicas, rs.Status.Replicas = object.Spec.Replicas, object.Status.Replicas
		if _, annotated := object.Spec.Template.Annotations[todov1.AnnotationKeys]; annotated {
			rs.Spec.Template.Annotations = map[string]string{todov1.AnnotationKeys: "unknown"}
		}
	}
}

// trimmed reports whether the cache holds only the identity of an object.
func trimmed(object client.Object) bool { return object.GetAnnotations()[annotationTrimmed] != "" }

// trimApp drops from a large TodoApp the fields that only its own reconcile reads, which then reads it from the API server.
func trimApp(received any) (any, error) {
	app, ok := received.(*todov1.TodoApp)
	if !ok {
		return received, nil
	}
	app.ManagedFields = nil
	encoded, err := json.Marshal(app)
	if err != nil {
		return nil, fmt.Errorf("measuring a TodoApp: %w", err)
	}
	if len(encoded) <= largestKept {
		return app, nil
	}
	app.Annotations = map[string]string{annotationTrimmed: "true"}
	app.Labels, app.Finalizers, app.OwnerReferences = nil, nil, nil
	app.Spec.Frontend.WorkloadSpec, app.Spec.Backend.WorkloadSpec = todov1.WorkloadSpec{}, todov1.WorkloadSpec{}
	app.Spec.Backend.CORS = todov1.CORSSpec{}
	if app.Spec.Gateway != nil {
		app.Spec.Gateway.Annotations, app.Spec.Gateway.Labels = nil, nil
	}
	if app.Spec.Ingress != nil {
		app.Spec.Ingress.Annotations = nil
	}
	return app, nil
}
