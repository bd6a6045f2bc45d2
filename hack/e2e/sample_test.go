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

// What a newcomer does first, with kubectl alone.
func TestSample(t *testing.T) {
	s := newStage(t)
	s.kubectl("apply", "-f", "../../config/samples/todoapp.yaml")
	s.kubectl("wait", "--for=condition=Ready", "todoapp/todo", "--timeout=120s")
	app := &todov1.TodoApp{}
	s.get(app, "todo")

	alice := tasks(app, "alice", s.token(app, "alice"))
	s.expect(adding(alice, "Water the plants"), http.StatusCreated)
	if got := s.titles(app, "alice"); got != "Water the plants" {
		t.Errorf("alice has %q to do", got)
	}
	s.expect(tasks(app, "alice", s.token(app, "bob")), http.StatusForbidden)
	s.expect(tasks(app, "alice", ""), http.StatusUnauthorized)
	forged := tasks(app, "alice", s.token(app, "alice")[:30]+"x")
	s.expect(forged, http.StatusUnauthorized)

	s.shows("get todoapp", s.kubectl("get", "todoapp"), `NAME +READY +KEY +ROTATION +NEXT +AGE`, `todo +True +1 +Stable +\S+ +\S+`)
	s.shows("get tda -o wide", s.kubectl("get", "tda", "-o", "wide"), `FRONTEND +BACKEND +URL +REASON`, `http://localhost:3000 +Ready`)
	s.shows("get all", s.kubectl("get", "all"), `todoapp\.todoapp\.dev/todo`)
	s.shows("describe", s.kubectl("describe", "todoapp", "todo"),
		`(?s)Conditions:.*Message: +The stack runs and both sides hold the same keys\.`,
		`(?s)Keys:.*State: +Active\n +Version: +1`, `(?s)Events:.*KeyCreated.*Created key version 1`)
	s.shows("explain", s.kubectl("explain", "todoapp.spec.auth"), `rotation\s+<Object>`, `source\s+<Object>`, `tokens\s+<Object>`,
		`external store's Secret`)
	s.shows("explain", s.kubectl("explain", "todoapp.spec.auth.rotation.rotateAfter"), `Set it to the present time to rotate now`)
}

// shows checks what a command printed.
func (s *stage) shows(command, output string, patterns ...string) {
	s.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(output) {
			s.Errorf("%s shows nothing that matches %q:\n%s", command, pattern, output)
		}
	}
}

// References to Secrets that hold different secrets are refused, and so is what belongs to another app.
func TestMismatchedReferences(t *testing.T) {
	s := newStage(t)
	s.secret("web", "BETTER_AUTH_SECRET", strings.Repeat("w", 20)+"eb-0123456789-abc")
	s.secret("api", "BETTER_AUTH_SECRET", strings.Repeat("a", 20)+"pi-0123456789-abc")
	refusedAsForeign := s.newApp("mismatched", `{frontend: {secretRef: {name: web}}}`)
	s.refuses(refusedAsForeign, `not this app's: to hand it over, run "kubectl annotate secret web todoapp.dev/adopt=mismatched"`)
	s.kubectl("annotate", "secret", "web", "api", "todoapp.dev/adopt=mismatched")
	refused := s.newApp("mismatched", `{frontend: {secretRef: {name: web}}, backend: {secretRef: {name: api}}}`)
	s.refuses(refused, `spec.frontend.secretRef.name: Forbidden: Secrets "web" and "api" hold different secrets: make them equal`)

	s.kubectl("delete", "secret", "api")
	s.kubectl("annotate", "--overwrite", "secret", "web", "todoapp.dev/adopt=adopted")
	adopted := s.apply("adopted", `{frontend: {secretRef: {name: web}}, backend: {secretRef: {name: api}}}`)
	s.awaitReady(adopted)
	s.expect(tasks(adopted, "alice", s.token(adopted, "alice")), http.StatusOK)
	thief := s.newApp("thief", `{frontend: {secretRef: {name: web}}}`)
	s.refuses(thief, `Secret "web" belongs to TodoApp "adopted": choose another name`)
}

func (s *stage) secret(name, entry, value string) {
	s.Helper()
	must(s, cluster.Create(s.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}, StringData: map[string]string{entry: value},
	}))
}

// refuses checks that an app is not admitted, and what the user is told.
func (s *stage) refuses(app *todov1.TodoApp, message string) {
	s.Helper()
	switch err := cluster.Create(s.Context(), app); {
	case err == nil:
		s.Errorf("%s was admitted", app.Name)
	case !strings.Contains(err.Error(), message):
		s.Errorf("%s was refused with\n%v\nwithout\n%s", app.Name, err, message)
	}
}
