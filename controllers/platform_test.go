package controllers_test

import (
	"os"
	"testing"

	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// An app with every field of a platform is written once: what the API server adds to those fields is no drift.
func TestAnAppOfAPlatformSettles(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	document, err := os.ReadFile("../config/samples/platform.yaml")
	must(t, err)
	var sample todov1.TodoApp
	must(t, yaml.Unmarshal(document, &sample))
	app := e.app("todo", func(a *todov1.TodoApp) { a.Spec = sample.Spec })
	e.settled("todo")
	e.quiet(p)
	e.touch(app, "again")
	if sent := e.quiet(p); len(sent) > 0 {
		t.Errorf("nothing has changed, and the manager sent %v", sent)
	}
}
