package controllers

import (
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
