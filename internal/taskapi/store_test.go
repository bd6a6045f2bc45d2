package taskapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// TestADatabaseThatIsDownAtTheStart must not make the process look dead, and must not stay lost once it is back.
func TestADatabaseThatIsDownAtTheStart(t *testing.T) {
	server := pgtest.Own(t, false)
	server.Kill()
	r := launch(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url="+server.URL("postgres"))
	alice := tokenFor("alice", "", secret)
	for range 2 {
		for _, port := range []string{r.ops, r.api} {
			r.want(200, "ok", "GET", port+"/healthz", "", "")
			r.want(503, "has not been reached since the start", "GET", port+"/readyz", "", "")
		}
		r.want(503, "", "GET", r.api+"/api/alice/tasks", alice, "")
		r.want(503, "", "GET", r.api+"/api/alice/tasks/1", alice, "")
		r.want(503, "", "DELETE", r.api+"/api/alice/tasks/1", alice, "")
		r.want(503, "", "POST", r.api+"/api/alice/tasks", alice, `{"title":"x"}`)
		r.want(503, "", "PUT", r.api+"/api/alice/tasks/1", alice, `{"title":"x"}`)
		r.want(503, "", "PATCH", r.api+"/api/alice/tasks/1/complete", alice, "")
		r.log.await(t, "waiting for the store")
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	r.log.await(t, "serving")
	r.want(200, "ready", "GET", r.ops+"/readyz", "", "")
	r.want(201, `"id":1,`, "POST", r.api+"/api/alice/tasks", alice, `{"title":"x"}`)
}

// TestADatabaseThatDoesNotExist is waited for, and the log says what to do; whoever creates it needs no restart.
func TestADatabaseThatDoesNotExist(t *testing.T) {
	server := pgtest.Own(t, false)
	missing := launch(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url="+server.URL("missing"))
	entry := missing.log.await(t, "waiting for the store")
	if text := fmt.Sprint(entry["error"]); !strings.Contains(text, `"missing"`) || !strings.Contains(text, "create the database") {
		t.Errorf("the log says %s", text)
	}
	missing.want(503, "has not been reached since the start", "GET", missing.ops+"/readyz", "", "")
	if err := server.Exec(t.Context(), "postgres", "CREATE DATABASE missing"); err != nil {
		t.Fatal(err)
	}
	missing.log.await(t, "serving")
	missing.want(200, "ready", "GET", missing.ops+"/readyz", "", "")
}

// TestStoppingWhileTheDatabaseIsDown is no failure.
func TestStoppingWhileTheDatabaseIsDown(t *testing.T) {
	r := launch(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url=postgres://u@127.0.0.1:1/db")
	r.log.await(t, "waiting for the store")
	r.stop()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	r.done <- nil
}
