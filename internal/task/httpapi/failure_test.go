package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// troubled is a store whose reads fail.
type troubled struct {
	task.Store
	fail func() error
}

func (s troubled) Get(context.Context, string, int64) (task.Task, error) {
	return task.Task{}, s.fail()
}
func (s troubled) Ping(context.Context) error { return s.fail() }

func TestStoresInTrouble(t *testing.T) {
	const hidden = `pq: relation "tasks" at /var/lib/secret.go:7`
	for name, c := range map[string]struct {
		fail   func() error
		status int
		ready  int
	}{
		"unavailable": {func() error { return fmt.Errorf("dialing %s: %w", hidden, task.ErrUnavailable) }, 503, 503},
		"out of time": {func() error { return fmt.Errorf("%s: %w", hidden, context.DeadlineExceeded) }, 503, 503},
		"a defect":    {func() error { return errors.New(hidden) }, 500, 503},
		"a panic":     {func() error { panic(hidden) }, 500, 500},
		"a nil panic": {func() error { var none *task.Task; return errors.New(none.Title) }, 500, 500},
	} {
		t.Run(name, func(t *testing.T) {
			s := serving(t, func(config *Config) { config.Store = troubled{config.Store, c.fail} })
			for target, status := range map[string]int{tasksOfAlice + "/1": c.status, "/readyz": c.ready} {
				got := s.do("GET", target, "", "X-Request-Id", "broken").want(status)
				if (status == 503) != (got.header.Get("Retry-After") == "1") {
					t.Errorf("%s: Retry-After is %q", target, got.header.Get("Retry-After"))
				}
				if everything := fmt.Sprint(got.body, got.header); strings.Contains(everything, "pq") || strings.Contains(everything, ".go") {
					t.Errorf("the client learns %s", everything)
				}
			}
			if c.status == 500 && entryOf(t, s.log.String(), "broken")["level"] != "ERROR" {
				t.Errorf("the operator learns nothing: %s", s.log)
			}
			s.do("GET", "/healthz", "").want(200)
			s.do("GET", tasksOfAlice, "").want(200)
			if !s.counted.saw("GET /api/{user_id}/tasks/{id}", c.status) {
				t.Errorf("counted %v", s.counted.routes)
			}
		})
	}
}

// full is a store with one page of tasks.
type full struct {
	task.Store
	tasks []task.Task
}

func (s full) List(context.Context, string, task.Filter) (task.Page, error) {
	return task.Page{Tasks: s.tasks, Total: int64(len(s.tasks))}, nil
}

// TestALargeListArrivesWholeOrBroken: it is sent in parts, and what goes wrong after the first must not look like an end.
func TestALargeListArrivesWholeOrBroken(t *testing.T) {
	description := strings.Repeat("\U0001F600", maxDescription)
	tasks := make([]task.Task, maxLimit)
	for i := range tasks {
		tasks[i] = task.Task{ID: int64(i + 1), Owner: "alice", Title: "x", Description: &description}
	}
	s := serving(t, func(config *Config) { config.Store = full{config.Store, tasks} })
	whole := s.do("GET", tasksOfAlice, "").want(200).has("X-Total-Count", "100").has("Content-Type", "application/json")
	shown := whole.tasks()
	if len(shown) != maxLimit || shown[99].ID != 100 || *shown[99].Description != description {
		t.Errorf("%d bytes with %d tasks", len(whole.body), len(shown))
	}
	if length := whole.header.Get("Content-Length"); length != "" {
		t.Errorf("the answer was made as a whole, of %s bytes", length)
	}
	s.do("HEAD", tasksOfAlice, "").want(200).has("X-Total-Count", "100")

	tasks[maxLimit-1].Title = "\xff"
	request, err := http.NewRequest(http.MethodGet, "http://"+s.address+tasksOfAlice, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + tokenOf("alice")}, "X-Request-Id": {"broken"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("%d bytes look like a whole answer", len(body))
	}
	if entry := entryOf(t, s.log.String(), "broken"); entry["level"] != "ERROR" {
		t.Errorf("the operator learns %v", entry)
	}
}

// TestAClientThatWentAway is no failure of the store, and is counted as none.
func TestAClientThatWentAway(t *testing.T) {
	asked := make(chan struct{})
	s := serving(t, func(config *Config) { config.Store = patient{config.Store, asked} })
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+tasksOfAlice+"/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + tokenOf("alice")}, "X-Request-Id": {"left"}}
	go func() { <-asked; leave() }()
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
		t.Errorf("the client has an answer: %d", response.StatusCode)
	}
	if got := s.counted.next(t, "GET /api/{user_id}/tasks/{id} "); got != gone {
		t.Errorf("counted as %d", got)
	}
	if strings.Contains(s.log.String(), `"level":"ERROR"`) {
		t.Errorf("logged as a failure: %s", s.log)
	}
}

// patient is a store that answers when its caller has gone.
type patient struct {
	task.Store
	asked chan struct{}
}

func (s patient) Get(ctx context.Context, _ string, _ int64) (task.Task, error) {
	close(s.asked)
	<-ctx.Done()
	return task.Task{}, fmt.Errorf("getting task: %w", ctx.Err())
}
