//go:build e2e

package e2e

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/signer"
)

// TestIngress reaches the frontend and the API under one host through an Ingress, as a browser outside the cluster does: in the
// way that suits the cluster, and by port-forward, which every cluster allows.
func TestIngress(t *testing.T) {
	t.Parallel()
	for _, reach := range []string{reachOfThisMachine(), "port-forward"} {
		t.Run(reach, func(t *testing.T) {
			t.Parallel()
			servedByIngress(t, reach)
		})
	}
}

func servedByIngress(t *testing.T, reach string) {
	e := newEnvironment(t)
	address := e.ingress(reach)
	host := e.namespace + ".localhost"
	app := e.apply("todo", `{frontend: {image: "`+probeImage+`"}, ingress: {host: `+host+`},
		backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	e.awaitReady(app)
	if got, want := app.Status.Frontend.URL, "http://"+host; got != want {
		t.Errorf("the frontend is at %q, expected %q", got, want)
	}
	browser := func(method, path, token, body string) (int, string) {
		return e.browse(address, host, method, path, token, body)
	}
	var alice signer.Token
	e.await("frontend and API behind the Ingress", time.Minute, func() error {
		status, body := browser(http.MethodGet, "/token?sub=alice", "", "")
		if status != http.StatusOK {
			return fmt.Errorf("%d %s", status, body)
		}
		return errors.Join(json.Unmarshal([]byte(body), &alice),
			e.answers(address, host, "/api/alice/tasks", http.StatusUnauthorized))
	})
	for _, c := range []struct {
		what, method, path, token, body string
		status                          int
	}{
		{"a new task", http.MethodPost, "/api/alice/tasks", alice.Token, `{"title":"Water the plants"}`, http.StatusCreated},
		{"the tasks", http.MethodGet, "/api/alice/tasks?limit=1", alice.Token, "", http.StatusOK},
		{"someone else's tasks", http.MethodGet, "/api/bob/tasks", alice.Token, "", http.StatusForbidden},
	} {
		if status, body := browser(c.method, c.path, c.token, c.body); status != c.status {
			t.Errorf("%s: %d %s, expected %d", c.what, status, body, c.status)
		}
	}
	// The frontend of these tests lacks this page. Its 404 has another text than the API's.
	if status, body := browser(http.MethodGet, "/api/auth/session", "", ""); body != "404 page not found\n" {
		t.Errorf("/api/auth is not the frontend's: %d %s", status, body)
	}
	if status, _ := e.browse(address, "elsewhere.localhost", http.MethodGet, "/", "", ""); status != http.StatusNotFound {
		t.Errorf("another host: %d", status)
	}
	e.annotates(app)
	e.merge(app, `{"spec":{"ingress":null}}`)
	e.await("the end of the Ingress", time.Minute, func() error {
		if status, body := browser(http.MethodGet, "/", "", ""); status != http.StatusNotFound {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
}

// annotates adds an annotation to the Ingress of an app, and removes it again.
func (e *environment) annotates(app *todov1.TodoApp) {
	e.Helper()
	const key = "example.com/body-size"
	for _, c := range []struct{ value, want string }{{`"10m"`, "10m"}, {"null", ""}} {
		e.merge(app, fmt.Sprintf(`{"spec":{"ingress":{"annotations":{%q:%s}}}}`, key, c.value))
		e.await(fmt.Sprintf("annotation %q of the Ingress", c.want), healWithin, func() error {
			var ingress networkingv1.Ingress
			e.get(&ingress, app.Name)
			if got := ingress.Annotations[key]; got != c.want {
				return fmt.Errorf("it is %q", got)
			}
			return nil
		})
	}
}

// reachOfThisMachine returns the value of E2E_REACH, or auto: then hack/ingress finds out how it reaches pods.
func reachOfThisMachine() string { return cmp.Or(os.Getenv("E2E_REACH"), "auto") }

// ingress runs hack/ingress, which reaches pods in a given way, and returns its address.
func (e *environment) ingress(reach string) string {
	e.Helper()
	program := filepath.Join(e.TempDir(), "ingress")
	output, err := exec.CommandContext(e.Context(), "go", "build", "-o", program, "../ingress").CombinedOutput()
	if err != nil {
		e.Fatalf("building the ingress: %v\n%s", err, output)
	}
	command := exec.CommandContext(e.Context(), program, "-listen", "127.0.0.1:0", "-reach", reach) // closed when the test ends
	printed, err := command.StdoutPipe()
	must(e, err)
	must(e, command.Start())
	e.Cleanup(func() { _ = command.Wait() })
	line, err := bufio.NewReader(printed).ReadString('\n')
	must(e, err)
	_, address, found := strings.Cut(strings.TrimSpace(line), "http://")
	if !found {
		e.Fatalf("the ingress says %q", line)
	}
	e.Log(strings.TrimSpace(line))
	return address
}

// browse sends one request for a host to an address.
func (e *environment) browse(address, host, method, path, token, body string) (int, string) {
	e.Helper()
	request, err := http.NewRequestWithContext(e.Context(), method, "http://"+address+path, strings.NewReader(body))
	must(e, err)
	request.Host = host
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	must(e, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	must(e, err)
	return response.StatusCode, string(answer)
}

// answers returns an error unless the host answers with the wanted status.
func (e *environment) answers(address, host, path string, wanted int) error {
	if status, body := e.browse(address, host, http.MethodGet, path, "", ""); status != wanted {
		return fmt.Errorf("%s: %d %s", path, status, body)
	}
	return nil
}
