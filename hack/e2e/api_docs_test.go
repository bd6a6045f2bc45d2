//go:build e2e

package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// TestAPIDocs opens the task API's page /docs in a real browser through a forwarded port, as the documentation says. A user
// authorizes with a token and lists tasks; the browser must report no violation of the page's policy.
func TestAPIDocs(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	app := e.apply("documented", small)
	e.awaitReady(app)
	forward := e.start(exec.Command(kubectl(), "--namespace="+e.namespace, "port-forward", "--address=127.0.0.1",
		"service/"+desired.Backend(app), ":8000"))
	const told = "Forwarding from "
	_, rest, _ := strings.Cut(forward.await(told), told)
	address, _, _ := strings.Cut(rest, " ")
	b := e.startBrowser("api-docs", "http://"+address)
	b.await("ready for a token")
	b.tell("ada " + e.token(app, "ada"))
	b.await("done")
}
