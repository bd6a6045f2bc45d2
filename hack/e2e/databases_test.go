//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// TestDatabases changes the databases of apps in use, to good ones and to bad ones. Users must notice neither.
func TestDatabases(t *testing.T) {
	buildFrontend(t)
	e := newEnvironment(t)
	for name, scenario := range map[string]func(*environment){
		"away":      (*environment).databaseAway,
		"bad image": (*environment).badImage,
		"password":  (*environment).databasePassword,
		"authority": (*environment).databaseAuthority,
		"untrusted": (*environment).untrustedDatabase,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(&environment{t, e.namespace})
		})
	}
}

// builtFrontend builds the image of the reference frontend once for all tests.
var builtFrontend = sync.OnceValues(func() ([]byte, error) {
	return exec.Command("../../examples/frontend/image.sh", frontendImage).CombinedOutput()
})

func buildFrontend(t *testing.T) {
	t.Helper()
	if output, err := builtFrontend(); err != nil {
		t.Fatalf("building the frontend's image: %v\n%s", err, output)
	}
}

// databaseAway moves the users of a frontend to a database that is away. The rollout waits, the pods of before serve, and the app
// says which log to read. It goes on once the database is back.
func (e *environment) databaseAway() {
	database := pgtest.Own(e.T, false).URL("postgres")
	e.secret("present", "url", openGate(e.T, database).url.String())
	away := openGate(e.T, database)
	e.secret("away", "url", away.url.String())
	app := e.apply("away", `{frontend: {image: "`+frontendImage+`", replicas: 2, probes: {readiness: {path: /readyz}},
		database: {urlSecretRef: {name: present, key: url}}}, backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.awaitReady(app)
	login := e.answersAlways(e.page(app, "/login"), http.StatusOK)
	least := e.leastAvailable(desired.Frontend(app))
	before := e.podUIDs(app, todov1.ComponentFrontend)

	away.shut()
	e.merge(app, `{"spec":{"frontend":{"database":{"urlSecretRef":{"name":"away"}}}}}`)
	e.held(app, before, "not ready:")
	away.open()
	e.awaitReady(app)
	e.awaitReplaced(app, todov1.ComponentFrontend, before)
	if n := least(); n < 2 {
		e.Errorf("%d frontends were available for a moment, of 2", n)
	}
	e.Logf("%d pages were served meanwhile", login())
}

// badImage gives a frontend an image that never becomes ready, and then the good one again. No pod of before is replaced.
func (e *environment) badImage() {
	app := e.apply("image", `{frontend: {image: "`+probeImage+`", replicas: 2, probes: {readiness: {path: "/token?sub=probe"}}},
		backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.awaitReady(app)
	tokens := e.answersAlways(e.page(app, "/token?sub=alice"), http.StatusOK)
	before := e.podUIDs(app, todov1.ComponentFrontend)
	e.merge(app, `{"spec":{"frontend":{"image":"`+frontendImage+`"}}}`)
	e.held(app, before, "Ready in")
	e.merge(app, `{"spec":{"frontend":{"image":"`+probeImage+`"}}}`)
	e.awaitReady(app)
	e.await("the end of the pod with the bad image", startWithin, func() error {
		return e.same(app, todov1.ComponentFrontend, before)
	})
	e.Logf("%d tokens were signed meanwhile", tokens())
}

// heldRollout matches the message about a rollout that waits for a pod, whose name it captures.
var heldRollout = regexp.MustCompile(
	`^2 pods are ready while they are replaced one by one\. The rollout waits for pod (\S+), which runs and does not become ready: ` +
		`see kubectl logs -n \S+ \S+\.$`)

// held waits until an app is not ready because a rollout of its frontend waits, and reads the log that the message names. The pods
// of before must serve.
func (e *environment) held(app *todov1.TodoApp, before map[string]bool, line string) {
	e.Helper()
	found := e.awaitUnready(app, todov1.ConditionReady)
	e.Logf("the condition: %s", found.Message)
	pod := heldRollout.FindStringSubmatch(found.Message)
	if pod == nil {
		e.Fatalf("the message is %q, expected %s", found.Message, heldRollout)
	}
	if output := e.kubectl("logs", pod[1]); !strings.Contains(output, line) {
		e.Errorf("the log of pod %s has no line with %q:\n%s", pod[1], line, output)
	}
	serving := 0
	for _, pod := range e.pods(app, todov1.ComponentFrontend) {
		if before[string(pod.UID)] && podReady(&pod) {
			serving++
		}
	}
	if serving != 2 {
		e.Errorf("%d of the 2 pods of before serve", serving)
	}
}

// page returns a request for a page of an app's frontend.
func (e *environment) page(app *todov1.TodoApp, path string) agent.Call {
	return agent.Call{Method: http.MethodGet, URL: fmt.Sprintf("http://%s.%s.svc:3000%s", desired.Frontend(app), e.namespace, path)}
}
