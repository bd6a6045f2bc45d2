package controllers_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
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

// TestRequestsOfARotation holds how many requests a rotation costs: twelve writes and three Events in three steps, and six live
// reads of evidence before the promotion and again before the demotion. A step that waits for nothing but what it has just written
// has no status of its own. The backend's pod takes up the keys by itself. Each further pod that the status lists costs two more
// statuses if it takes up the keys at a moment of its own: here the frontend's pod does so after the backend's. So a roll-out that
// nothing paces has no exact number of requests.
func TestRequestsOfARotation(t *testing.T) {
	for name, c := range map[string]struct {
		frontends, want int
	}{"a frontend without pods": {0, 27}, "a frontend with a pod": {1, 29}} {
		t.Run(name, func(t *testing.T) {
			sent, told := requestsOfARotation(t, c.frontends)
			if len(sent)+told != c.want {
				t.Errorf("a rotation takes %d requests and %d Events:\n%s", len(sent), told, strings.Join(sent, "\n"))
			}
		})
	}
}

// requestsOfARotation rotates the key of a new app, and returns the requests and the number of Events until it drains. Pods of the
// frontend take up the keys of a step when the operator has sent all that it sends about the step.
func requestsOfARotation(t *testing.T, frontends int) (sent []string, told int) {
	t.Helper()
	e := newEnvironment(t)
	recorder := events.NewFakeRecorder(100)
	p := e.start(func(r *controllers.Reconciler) { r.Events, r.NewKey = recorder, strongKey })
	defer p.stop()
	app := e.app("todo", func(a *todov1.TodoApp) { a.Spec.Frontend.Image = "web:1" })
	e.settled("todo")
	e.verifier(app, "todo-backend-a")
	keys := func() string {
		var d appsv1.Deployment
		must(t, e.get("todo-frontend", &d))
		return d.Spec.Template.Annotations[todov1.AnnotationKeys]
	}
	var pods []*corev1.Pod
	for i := range frontends {
		annotations := map[string]string{todov1.AnnotationKeys: keys()}
		pods = append(pods, e.pod(app, todov1.ComponentFrontend, fmt.Sprint("todo-frontend-", i), annotations))
	}
	e.phase("todo", "Stable", "")
	e.quiet(p)
	told = len(recorder.Events)
	e.ask(app, "rotateAfter")
	for _, pod := range pods {
		for _, phase := range []string{"Publishing", "Promoting"} {
			e.phase("todo", phase, pod.Name)
			sent = append(sent, e.quiet(p)...)
			e.merge(pod, fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, todov1.AnnotationKeys, keys()))
		}
	}
	e.phase("todo", "Draining", "")
	return append(sent, e.quiet(p)...), len(recorder.Events) - told
}

// TestAFirstRevocationWritesEachSecretOnce: a revocation adds an annotation to Secrets that were created and never applied. Nothing
// is dropped from them, so the record of their creation is neither read nor rewritten.
func TestAFirstRevocationWritesEachSecretOnce(t *testing.T) {
	e := newEnvironment(t)
	p := e.start(func(r *controllers.Reconciler) { r.Events, r.NewKey = events.NewFakeRecorder(100), strongKey })
	app := e.app("todo")
	e.settled("todo")
	e.quiet(p)
	e.ask(app, "revokeBefore")
	eventually(t, func() error {
		if key, err := e.active("todo"); err != nil || key.Version != 2 {
			return fmt.Errorf("version %d is active: %w", key.Version, err)
		}
		return nil
	})
	sent := e.quiet(p)
	for _, secret := range []string{"todo-frontend-auth", "todo-backend-auth"} {
		writes := slices.DeleteFunc(slices.Clone(sent), func(request string) bool {
			return !strings.HasPrefix(request, "PATCH ") || !strings.HasSuffix(request, "/"+secret)
		})
		if len(writes) != 1 {
			t.Errorf("Secret %s is written %d times:\n%s", secret, len(writes), strings.Join(sent, "\n"))
		}
	}
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
