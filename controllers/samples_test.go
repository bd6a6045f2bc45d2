package controllers_test

import (
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestSamplesAreAccepted fails if the API server would reject a sample, or a sample has an unknown field.
func TestSamplesAreAccepted(t *testing.T) {
	e := newEnvironment(t)
	files, err := filepath.Glob("../config/samples/*.yaml")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no samples")
	}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		document, err := os.ReadFile(file)
		must(t, err)
		var manifest struct { // unlike a TodoApp, this one is decoded strictly
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
			Spec              todov1.TodoAppSpec `json:"spec"`
		}
		must(t, yaml.UnmarshalStrict(document, &manifest))
		app := todov1.TodoApp{ObjectMeta: manifest.ObjectMeta, Spec: manifest.Spec}
		app.Namespace = e.namespace
		if err := e.client.Create(t.Context(), &app, client.DryRunAll); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
