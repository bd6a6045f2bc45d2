package controllers_test

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func TestSamplesAreAccepted(t *testing.T) {
	b := newBench(t)
	files, err := filepath.Glob("../config/samples/*.yaml")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no samples")
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		must(t, err)
		var app todov1.TodoApp
		must(t, yaml.UnmarshalStrict(document, &app))
		app.Namespace = b.namespace
		if err := b.client.Create(t.Context(), &app, client.DryRunAll); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
