package controllers_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestAnAppThatIsTooLargeForTheCacheIsReconciled: its variables reach the Deployment, and the steady state writes nothing.
func TestAnAppThatIsTooLargeForTheCacheIsReconciled(t *testing.T) {
	e := newEnvironment(t)
	manager := e.start()
	e.app("todo", func(a *todov1.TodoApp) {
		a.Annotations = map[string]string{"example.com/note": strings.Repeat("x", 100_000)}
		a.Spec.Backend.Env = []corev1.EnvVar{{Name: "COLOUR", Value: "green"}}
	})
	e.settled("todo")
	eventually(t, func() error {
		var d appsv1.Deployment
		if err := e.get("todo-backend", &d); err != nil {
			return err
		}
		if !slices.ContainsFunc(d.Spec.Template.Spec.Containers[0].Env, func(e corev1.EnvVar) bool { return e.Name == "COLOUR" }) {
			return errors.New("the Deployment lacks the variable")
		}
		return nil
	})
	e.quiet(manager)
	for _, request := range e.restartedRequests(manager) {
		if !strings.HasPrefix(request, "GET ") || strings.HasSuffix(request, "/pods") {
			t.Errorf("a restart sends %s: the app is planned again though nothing is to be written", request)
		}
	}
}

// restartedRequests returns what a manager sends that takes over.
func (e *environment) restartedRequests(p *process) []string {
	e.t.Helper()
	p.stop()
	return e.quiet(e.start())
}
