package taskapi

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// TestADatabaseThatIsDownAtTheStart must not make the process look dead, and must not stay lost once it is back.
func TestADatabaseThatIsDownAtTheStart(t *testing.T) {
	server := pgtest.Own(t, false)
	server.Kill()
	r := launch(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url="+server.URL("postgres"))
	alice := tokenFor("alice", "", secret)
	r.log.await(t, "waiting for the store")
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
	missing.want(200, `"store":"failing"}`, "GET", missing.ops+"/keyring", "", "")
	missing.want(200, `taskapi_store_state{state="failing"} 1`, "GET", missing.ops+"/metrics", "", "")
	if err := server.Exec(t.Context(), "postgres", "CREATE DATABASE missing"); err != nil {
		t.Fatal(err)
	}
	missing.log.await(t, "serving")
	missing.want(200, "ready", "GET", missing.ops+"/readyz", "", "")
	missing.want(200, `"active":1}`, "GET", missing.ops+"/keyring", "", "")
	missing.want(200, `taskapi_store_state{state="serving"} 1`, "GET", missing.ops+"/metrics", "", "")
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

// TestAnOutageIsOneLineAndItsEndAnother, however many calls fail.
func TestAnOutageIsOneLineAndItsEndAnother(t *testing.T) {
	server := pgtest.Own(t, false)
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url="+server.URL("postgres"))
	alice, tasks := tokenFor("alice", "", secret), r.api+"/api/alice/tasks"
	r.want(200, "[]", "GET", tasks, alice, "")
	server.Kill()
	for range 5 {
		r.want(503, "", "GET", tasks, alice, "")
	}
	entry := r.log.await(t, "the task store fails")
	if text := fmt.Sprint(entry["error"]); entry["operation"] != "list" || !strings.Contains(text, "connect") {
		t.Errorf("the log says %v", entry)
	}
	r.want(200, `"store":"failing"}`, "GET", r.ops+"/keyring", "", "")
	r.want(200, `taskapi_store_state{state="failing"} 1`, "GET", r.ops+"/metrics", "", "")
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	for ended := false; !ended; {
		r.ask("GET", tasks, alice, "")
		select {
		case line := <-r.log.next:
			ended = strings.Contains(line, `"the task store serves again"`) && strings.Contains(line, `"failed_calls":5`)
			if !ended {
				t.Fatalf("the log says %s", line)
			}
		case <-deadline:
			t.Fatal("the end of the outage was never logged")
		default:
		}
	}
	r.want(200, `taskapi_store_state{state="serving"} 1`, "GET", r.ops+"/metrics", "", "")
}
