package taskapi

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/volume"
)

// TestAFullVolumeIsToldAndTasksCanBeDeleted by one line of the log, the keyring, a metric and the answers.
func TestAFullVolumeIsToldAndTasksCanBeDeleted(t *testing.T) {
	folder, inside := volume.Mount(t, "8m")
	if !inside {
		return
	}
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url=sqlite://"+filepath.Join(folder, "tasks.db"))
	alice, tasks := tokenFor("alice", "", secret), r.api+"/api/alice/tasks"
	body := fmt.Sprintf(`{"title":"x","description":%q}`, strings.Repeat("x", 2000))
	created, status, answer := 0, 201, ""
	for ; status == 201; created++ {
		status, answer = r.ask("POST", tasks, alice, body)
	}
	created--
	if status != 503 || !strings.Contains(answer, "full: tasks can only be read and deleted") {
		t.Fatalf("task %d: %d %s", created, status, answer)
	}
	entry := r.log.await(t, "the task store is full: tasks can be read and deleted, but neither created nor changed")
	if text := fmt.Sprint(entry["error"]); entry["operation"] != "create" || !strings.Contains(text, "no space left") {
		t.Errorf("the log says %v", entry)
	}
	r.want(200, `{"versions":[1],"active":1,"store":"full"}`, "GET", r.ops+"/keyring", "", "")
	r.want(200, "ready", "GET", r.ops+"/readyz", "", "")
	r.want(200, `taskapi_store_state{state="full"} 1`, "GET", r.ops+"/metrics", "", "")
	r.want(200, `taskapi_store_failures_total{operation="create"} 1`, "GET", r.ops+"/metrics", "", "")
	r.want(503, "full", "PATCH", tasks+"/1/complete", alice, "")
	for id := range created {
		r.want(200, "", "DELETE", fmt.Sprint(tasks, "/", id+1), alice, "")
	}
	// The outage ends with the first ping that follows five seconds without a failure.
	awaitState(t, r, "the task store serves again", func() { r.ask("GET", r.ops+"/readyz", "", "") })
	r.want(200, `{"versions":[1],"active":1}`, "GET", r.ops+"/keyring", "", "")
	r.want(201, "", "POST", tasks, alice, body)
}

// awaitState asks again and again until the log has the message.
func awaitState(t *testing.T, r *running, message string, ask func()) map[string]any {
	t.Helper()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for tick := time.NewTicker(200 * time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				ask()
			}
		}
	}()
	return r.log.await(t, message)
}
