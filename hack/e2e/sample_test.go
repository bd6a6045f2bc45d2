//go:build e2e

package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestSample follows a newcomer's first steps with kubectl only.
func TestSample(t *testing.T) {
	e := newEnvironment(t)
	e.kubectl("apply", "-f", "../../config/samples/todoapp.yaml")
	e.kubectl("wait", "--for=condition=Ready", "todoapp/todo", "--timeout=120s")
	app := &todov1.TodoApp{}
	e.get(app, "todo")

	alice := tasks(app, "alice", e.token(app, "alice"))
	e.expect(adding(alice, "Water the plants"), http.StatusCreated)
	if got := e.titles(app, "alice"); got != "Water the plants" {
		t.Errorf("alice has %q to do", got)
	}
	e.expect(tasks(app, "alice", e.token(app, "bob")), http.StatusForbidden)
	e.expect(tasks(app, "alice", ""), http.StatusUnauthorized)
	forged := tasks(app, "alice", e.token(app, "alice")[:30]+"x")
	e.expect(forged, http.StatusUnauthorized)

	e.shows("get todoapp", e.kubectl("get", "todoapp"), `NAME +READY +KEY +ROTATION +NEXT +AGE`, `todo +True +1 +Stable +\S+ +\S+`)
	e.shows("get tda -o wide", e.kubectl("get", "tda", "-o", "wide"), `FRONTEND +BACKEND +URL +REASON`, `http://localhost:3000 +Ready`)
	e.shows("get all", e.kubectl("get", "all"), `todoapp\.todoapp\.dev/todo`)
	e.shows("describe", e.kubectl("describe", "todoapp", "todo"),
		`(?s)Conditions:.*Message: +The stack runs, and frontend and backend hold the same keys\.`,
		`(?s)Keys:.*State: +Active\n +Version: +1`, `(?s)Events:.*KeyCreated.*Created key version 1`)
	e.shows("explain", e.kubectl("explain", "todoapp.spec.auth"), `rotation\s+<Object>`, `source\s+<Object>`, `tokens\s+<Object>`,
		`a Secret that an external store writes`)
	e.shows("explain", e.kubectl("explain", "todoapp.spec.auth.rotation.rotateAfter"),
		`Set it to the present time, in\s+RFC 3339 such as \S+, to rotate now`)
}

// shows fails the test unless the output of a command matches every pattern.
func (e *environment) shows(command, output string, patterns ...string) {
	e.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(output) {
			e.Errorf("%s shows nothing that matches %q:\n%s", command, pattern, output)
		}
	}
}

// TestMismatchedReferences checks that the webhook rejects Secrets with different values and Secrets of another app.
func TestMismatchedReferences(t *testing.T) {
	e := newEnvironment(t)
	e.secret("web", "BETTER_AUTH_SECRET", strings.Repeat("w", 20)+"eb-0123456789-abc")
	e.secret("api", "BETTER_AUTH_SECRET", strings.Repeat("a", 20)+"pi-0123456789-abc")
	refusedAsForeign := e.newApp("mismatched", `{frontend: {secretRef: {name: web}}}`)
	e.refuses(refusedAsForeign, `not this app's: to hand it over, run "kubectl annotate secret web todoapp.dev/adopt=mismatched"`)
	e.kubectl("annotate", "secret", "web", "api", "todoapp.dev/adopt=mismatched")
	refused := e.newApp("mismatched", `{frontend: {secretRef: {name: web}}, backend: {secretRef: {name: api}}}`)
	e.refuses(refused, `spec.frontend.secretRef.name: Forbidden: Secrets "web" and "api" hold different keys: make them equal`)

	e.kubectl("delete", "secret", "api")
	e.kubectl("annotate", "--overwrite", "secret", "web", "todoapp.dev/adopt=adopted")
	adopted := e.apply("adopted", `{frontend: {secretRef: {name: web}}, backend: {secretRef: {name: api}}}`)
	e.awaitReady(adopted)
	e.expect(tasks(adopted, "alice", e.token(adopted, "alice")), http.StatusOK)
	thief := e.newApp("thief", `{frontend: {secretRef: {name: web}}}`)
	e.refuses(thief, `Secret "web" belongs to TodoApp "adopted": choose another name`)
}

func (e *environment) secret(name, entry, value string) {
	e.Helper()
	must(e, cluster.Create(e.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}, StringData: map[string]string{entry: value},
	}))
}

// refuses fails the test unless an app is rejected with the message.
func (e *environment) refuses(app *todov1.TodoApp, message string) {
	e.Helper()
	switch err := cluster.Create(e.Context(), app); {
	case err == nil:
		e.Errorf("%s was admitted", app.Name)
	case !strings.Contains(err.Error(), message):
		e.Errorf("%s was refused with\n%v\nwithout\n%s", app.Name, err, message)
	}
}
