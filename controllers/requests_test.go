package controllers_test

import (
	"strings"
	"testing"
)

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
