package controllers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
		e.accepts(file, document)
	}
}

// TestTodoAppsOfTheDocsAreAccepted sends every TodoApp in a block of YAML to the API server. TestDocs of the end-to-end tests runs
// the blocks of commands.
func TestTodoAppsOfTheDocsAreAccepted(t *testing.T) {
	e := newEnvironment(t)
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	pages, err := filepath.Glob("../docs/*.md")
	must(t, err)
	apps := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		must(t, err)
		for _, found := range block.FindAllStringSubmatch(string(text), -1) {
			for _, document := range strings.Split(found[1], "\n---\n") {
				if strings.Contains(document, "kind: TodoApp\n") {
					apps++
					e.accepts(page, []byte(document))
				}
			}
		}
	}
	if apps < 12 {
		t.Errorf("%d TodoApps found, expected 12 and more", apps)
	}
}

// accepts fails unless the API server would create a TodoApp. Unlike a TodoApp, the document is decoded strictly.
func (e *environment) accepts(source string, document []byte) {
	e.t.Helper()
	var manifest struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              todov1.TodoAppSpec `json:"spec"`
	}
	if err := yaml.UnmarshalStrict(document, &manifest); err != nil {
		e.t.Errorf("%s: %v in\n%s", source, err, document)
		return
	}
	app := todov1.TodoApp{ObjectMeta: manifest.ObjectMeta, Spec: manifest.Spec}
	app.Namespace = e.namespace
	if err := e.client.Create(e.t.Context(), &app, client.DryRunAll); err != nil {
		e.t.Errorf("%s: %v in\n%s", source, err, document)
	}
}
