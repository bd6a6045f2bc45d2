package controllers

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// A value that has changed replaces the pods, and nothing else does.
func TestOnlyAChangedValueReplacesPods(t *testing.T) {
	live := func(recorded, rolled string) client.Object {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "todo-backend"}}
		if recorded != "" {
			d.Annotations = map[string]string{todov1.AnnotationSources: recorded}
		}
		if rolled != "" {
			d.Spec.Template.Annotations = map[string]string{todov1.AnnotationSources: rolled}
		}
		return d
	}
	for name, c := range map[string]struct {
		have             client.Object
		digest           string
		recorded, rolled string
	}{
		"a new app":                            {nil, "one", "one", ""},
		"an app without a database":            {live("", ""), "", "", ""},
		"an upgrade":                           {live("", ""), "one", "one", ""},
		"nothing changed":                      {live("one", ""), "one", "one", ""},
		"the first change":                     {live("one", ""), "two", "two", "two"},
		"nothing changed since":                {live("two", "two"), "two", "two", "two"},
		"the next change":                      {live("two", "two"), "three", "three", "three"},
		"back to the first value":              {live("two", "two"), "one", "one", "one"},
		"the Secret is gone":                   {live("two", "two"), "", "two", "two"},
		"the Secret is gone before a change":   {live("one", ""), "", "one", ""},
		"the pods were restored from a backup": {live("", "two"), "three", "three", "two"},
	} {
		t.Run(name, func(t *testing.T) {
			want := &unstructured.Unstructured{Object: map[string]any{"kind": "Deployment",
				"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{}}}}}
			if err := restart(want, c.have, c.digest); err != nil {
				t.Fatal(err)
			}
			recorded := want.GetAnnotations()[todov1.AnnotationSources]
			rolled, _, _ := unstructured.NestedString(want.Object, "spec", "template", "metadata", "annotations", todov1.AnnotationSources)
			if recorded != c.recorded || rolled != c.rolled {
				t.Errorf("recorded %q and rolled %q, want %q and %q", recorded, rolled, c.recorded, c.rolled)
			}
		})
	}
}

// An Event tells which entries may have changed if their change replaces pods, and is silent if the spec does.
func TestADatabaseThatChangesIsToldOf(t *testing.T) {
	deployment := func(digest string) (live *appsv1.Deployment, want *unstructured.Unstructured) {
		live = &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "todo-backend"}}
		live.Annotations = map[string]string{todov1.AnnotationSources: "one"}
		want = &unstructured.Unstructured{Object: map[string]any{"kind": "Deployment"}}
		want.SetName("todo-backend")
		live.Labels = map[string]string{todov1.LabelComponent: todov1.ComponentBackend}
		want.SetAnnotations(map[string]string{todov1.AnnotationSources: digest})
		return live, want
	}
	authority := &todov1.CAReference{Kind: todov1.KindConfigMap, Name: "ca"}
	for name, c := range map[string]struct {
		digest    string
		authority *todov1.CAReference
		observed  int64
		err       error
		want      []string
	}{
		"a new URL": {"two", nil, 1, nil,
			[]string{"Normal DatabaseChanged Deployment todo-backend replaces its pods, because entry url of Secret db has changed"}},
		"a new URL or authority": {"two", authority, 1, nil,
			[]string{"Normal DatabaseChanged Deployment todo-backend replaces its pods, " +
				"because entry url of Secret db or entry ca.crt of ConfigMap ca has changed"}},
		"another change":      {"one", nil, 1, nil, nil},
		"a new spec":          {"two", nil, 0, nil, nil},
		"a write that failed": {"two", nil, 1, errNotStored, nil},
	} {
		t.Run(name, func(t *testing.T) {
			live, want := deployment(c.digest)
			if c.err == nil {
				want.SetResourceVersion("2") // the answer of the API server
			}
			app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo", Generation: 1}}
			app.Status.ObservedGeneration = c.observed
			app.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{CARef: c.authority, URLSecretRef: todov1.SecretKeyReference{
				SecretReference: todov1.SecretReference{Name: "db"}, Key: "url"}}
			got := toldOf(app, &plan{observed: &snapshot{}, changed: []*change{{object: want, exists: true, live: live}}}, c.err)
			got = slices.DeleteFunc(got, func(event string) bool { return strings.HasPrefix(event, "Warning ") })
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
