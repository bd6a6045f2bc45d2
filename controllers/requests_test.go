package controllers_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/events"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// TestRequestsOfACreation holds how many requests a new app costs: two reads of Secrets that might be there, one write for each
// of its six objects, one status and one Event.
func TestRequestsOfACreation(t *testing.T) {
	e := newEnvironment(t)
	recorder := events.NewFakeRecorder(100)
	p := e.start(func(r *controllers.Reconciler) { r.Events, r.NewKey = recorder, strongKey })
	e.app("todo")
	e.settled("todo")
	sent := e.quiet(p)
	sent = slices.DeleteFunc(sent, asksForKinds)
	if total := len(sent) + len(recorder.Events); total != 10 {
		t.Errorf("a creation takes %d requests and %d Events:\n%s", len(sent), len(recorder.Events), strings.Join(sent, "\n"))
	}
}

// asksForKinds reports whether a request asks the API server which kinds it serves. The manager asks at its start and, as long as
// the Gateway API is missing, every 20 s, for all apps together.
func asksForKinds(request string) bool {
	return slices.Contains([]string{"GET /api", "GET /apis", "GET /apis/gateway.networking.k8s.io/v1"}, request)
}

// strongKey generates a key of which no Event warns.
func strongKey() keyring.Value {
	var random [32]byte
	_, _ = rand.Read(random[:])
	return keyring.Generate(random)
}

// TestRequestsOfARotation holds how many requests a rotation costs: thirteen writes and three Events in three steps, and six live
// reads of evidence before the promotion and again before the demotion. On a busy machine a pod may change between the cached
// reads and the live reads, which then are repeated, so one of a few rotations must be as cheap.
func TestRequestsOfARotation(t *testing.T) {
	const want = 28
	var sent []string
	var told int
	for range 4 {
		if sent, told = requestsOfARotation(t); len(sent)+told == want {
			return
		}
	}
	t.Errorf("a rotation takes %d requests and %d Events:\n%s", len(sent), told, strings.Join(sent, "\n"))
}

// requestsOfARotation rotates the key of a new app, and returns the requests and the number of Events until it drains.
func requestsOfARotation(t *testing.T) (sent []string, told int) {
	t.Helper()
	e := newEnvironment(t)
	recorder := events.NewFakeRecorder(100)
	p := e.start(func(r *controllers.Reconciler) { r.Events, r.NewKey = recorder, strongKey })
	defer p.stop()
	app := e.app("todo", func(a *todov1.TodoApp) { a.Spec.Frontend.Image = "web:1" })
	go e.playDeploymentController("todo-frontend")
	e.settled("todo")
	e.verifier(app, "todo-backend-a")
	e.phase("todo", "Stable", "")
	e.quiet(p)
	told = len(recorder.Events)
	e.ask(app, "rotateAfter")
	e.phase("todo", "Draining", "")
	return e.quiet(p), len(recorder.Events) - told
}

// TestNoReconcileListsTodoApps: a list of the thousand TodoApps of a namespace costs the API server as much as forty writes.
func TestNoReconcileListsTodoApps(t *testing.T) {
	e := newEnvironment(t)
	p := e.start()
	e.app("first", frontendSecret("shared"))
	e.app("second", backendSecret("shared"))
	e.oneProceeds("first", "second", "shared")
	sent := e.quiet(p)
	if len(sent) == 0 {
		t.Fatal("no request was seen")
	}
	for _, request := range sent {
		if strings.HasPrefix(request, "GET ") && strings.HasSuffix(request, "/todoapps") {
			t.Errorf("a reconcile sends %s", request)
		}
	}
}
