package controllers

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const mebibyte = 1 << 20

// large are objects of about 1 MB that anybody who may create them can label for an app.
var large = map[string]func() client.Object{
	"an entry": func() client.Object {
		return &corev1.Secret{Data: map[string][]byte{"tls.crt": make([]byte, mebibyte)}}
	},
	"an entry of the operator's": func() client.Object {
		return &corev1.Secret{Data: map[string][]byte{keyring.EntrySecrets: make([]byte, mebibyte)}}
	},
	"names of entries": func() client.Object {
		data := map[string][]byte{}
		for i := range 5000 {
			data[fmt.Sprintf("%0200d", i)] = nil
		}
		return &corev1.Secret{Data: data}
	},
	"an annotation": func() client.Object {
		return annotated(&corev1.Secret{}, "example.com/note")
	},
	"an annotation of the operator's": func() client.Object {
		return annotated(&corev1.Pod{}, todov1.AnnotationRefresh)
	},
	"managed fields": func() client.Object {
		object := &networkingv1.Ingress{}
		fields := metav1.NewFieldsV1(`{"f:metadata":"` + strings.Repeat("x", mebibyte) + `"}`)
		object.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: FieldOwner, FieldsV1: fields}})
		return object
	},
	"a literal variable": func() client.Object {
		pod := &corev1.Pod{}
		pod.Spec.Containers = []corev1.Container{{Name: "main", Env: []corev1.EnvVar{{Name: "A", Value: strings.Repeat("x", mebibyte)}}}}
		return pod
	},
	"a template of a Deployment": func() client.Object {
		d := &appsv1.Deployment{}
		d.Spec.Template.Annotations = map[string]string{"a": strings.Repeat("x", mebibyte)}
		return d
	},
	"a template of a ReplicaSet": func() client.Object {
		rs := &appsv1.ReplicaSet{}
		rs.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Command: []string{strings.Repeat("x", mebibyte)}}}
		return rs
	},
	"a status": func() client.Object {
		return &corev1.Pod{Status: corev1.PodStatus{Message: strings.Repeat("x", mebibyte)}}
	},
}

func annotated(object client.Object, annotation string) client.Object {
	object.SetAnnotations(map[string]string{annotation: strings.Repeat("x", mebibyte)})
	return object
}

// TestLargeObjectsAreNotKept: 420 Secrets of 1 MB ended a manager with 512 MiB whenever it started.
func TestLargeObjectsAreNotKept(t *testing.T) {
	for name, object := range large {
		t.Run(name, func(t *testing.T) {
			const count = 100
			transform := trim(object())
			kept := make([]any, count)
			before := inUse()
			for i := range kept {
				received := object()
				received.SetName(fmt.Sprint(i))
				received.SetLabels(map[string]string{todov1.LabelApp: "todo"})
				var err error
				if kept[i], err = transform(received); err != nil {
					t.Fatal(err)
				}
			}
			each := (inUse() - before) / count
			if each > 2*largestKept {
				t.Errorf("%d bytes are kept of each object", each)
			}
			if object := kept[7].(client.Object); object.GetName() != "7" || object.GetLabels()[todov1.LabelApp] != "todo" {
				t.Errorf("the object is not to be found again: %v", object)
			}
			runtime.KeepAlive(kept)
		})
	}
}

// inUse returns the bytes of the heap in use. A second collection frees the buffers that pools keep for one.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestWhatTheCacheKeeps: decisions read the operator's entries, the names of others, references and the state of pods.
func TestWhatTheCacheKeeps(t *testing.T) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{todov1.LabelApp: "todo", "app.kubernetes.io/managed-by": "x", "other": "y"},
			Annotations: map[string]string{todov1.AnnotationKeys: "2,1", "other": "y"},
			ManagedFields: []metav1.ManagedFieldsEntry{
				{Manager: "kubectl", FieldsV1: metav1.NewFieldsV1("{}")}, {Manager: FieldOwner, FieldsV1: metav1.NewFieldsV1("{}")}},
		},
		Data: map[string][]byte{keyring.EntrySecret: []byte("own"), "API_KEY": []byte("foreign")},
	}
	if _, err := trim(secret)(secret); err != nil {
		t.Fatal(err)
	}
	foreign, named := secret.Data["API_KEY"]
	if string(secret.Data[keyring.EntrySecret]) != "own" || !named || foreign != nil {
		t.Errorf("of the entries remain %q", secret.Data)
	}
	if len(secret.Labels) != 2 || len(secret.Annotations) != 1 || len(secret.ManagedFields) != 1 || trimmed(secret) {
		t.Errorf("of the metadata remains %+v", secret.ObjectMeta)
	}
	ref := &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "url"}}
	pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "main", Image: "image",
		Env: []corev1.EnvVar{{Name: "A", Value: "literal"}, {Name: "B", ValueFrom: ref}}}}}}
	pod.Status.PodIP = "10.0.0.1"
	if _, err := trim(pod)(pod); err != nil {
		t.Fatal(err)
	}
	env := pod.Spec.Containers[0].Env
	if pod.Spec.NodeName != "node" || pod.Status.PodIP != "10.0.0.1" || len(env) != 1 || env[0].ValueFrom != ref {
		t.Errorf("of the pod remains %+v", pod)
	}
}

// TestLargeAppsAreNotKept: whoever may create TodoApps may create many large ones.
func TestLargeAppsAreNotKept(t *testing.T) {
	const count = 100
	kept := make([]any, count)
	before := inUse()
	for i := range kept {
		app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(i), UID: "uid"}}
		app.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: "web"}
		app.Spec.Frontend.Env = []corev1.EnvVar{{Name: "A", Value: strings.Repeat("x", mebibyte)}}
		app.Finalizers = []string{strings.Repeat("x", mebibyte)}
		app.OwnerReferences = []metav1.OwnerReference{{Name: strings.Repeat("x", mebibyte)}}
		app.Spec.Backend.Template.Annotations = map[string]string{"a": strings.Repeat("x", mebibyte)}
		var err error
		if kept[i], err = trimApp(app); err != nil {
			t.Fatal(err)
		}
	}
	if each := (inUse() - before) / count; each > largestKept {
		t.Errorf("%d bytes are kept of each app", each)
	}
	app, _ := kept[7].(*todov1.TodoApp)
	if !trimmed(app) || app.Name != "7" || app.UID != "uid" || app.Spec.Frontend.SecretRef.Name != "web" {
		t.Errorf("of an app remains %+v", app)
	}
	small := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}}
	if got, err := trimApp(small); err != nil || got != small || trimmed(small) || len(small.Labels) != 1 {
		t.Errorf("a small app was trimmed: %+v (%v)", small, err)
	}
}

// TestSourcesKeepIdentities: the cache of all Secrets of the cluster keeps no finalizers and no owners, which have no bound.
func TestSourcesKeepIdentities(t *testing.T) {
	secret := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: "a", ResourceVersion: "1", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"a": "b"},
		Finalizers: []string{"example.com/a"}, OwnerReferences: []metav1.OwnerReference{{Name: "b"}},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "c"}},
	}}
	kept, err := bare(secret)
	if err != nil {
		t.Fatal(err)
	}
	want := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: "1"}}
	if !equality.Semantic.DeepEqual(kept, want) {
		t.Errorf("of a Secret remains %+v", kept)
	}
}
