package httpapi

import (
	"encoding/json"
	"net/http"
	"testing"
)

// answer is what came back.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   string
}

// want checks the status, and of every error that it is a problem of RFC 9457 with a detail.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("%s\n got %d %s\nwant %d", a.what, a.status, a.body, status)
		return a
	}
	if status >= 400 && a.body != "" {
		var p struct {
			Status int
			Detail string
			Errors []fieldError
		}
		a.decode(&p)
		if a.header.Get("Content-Type") != "application/problem+json" || p.Status != status || p.Detail == "" {
			a.t.Errorf("%s\n is no problem: %s %s", a.what, a.header.Get("Content-Type"), a.body)
		}
		if (status == 422) != (len(p.Errors) > 0) {
			a.t.Errorf("%s\n 422 and nothing else has errors: %s", a.what, a.body)
		}
	}
	return a
}

// at checks the location of a 422's first error.
func (a answer) at(location string) answer {
	a.t.Helper()
	var p struct{ Errors []fieldError }
	a.decode(&p)
	if len(p.Errors) == 0 || p.Errors[0].Location != location || p.Errors[0].Message == "" {
		a.t.Errorf("%s\n got %s\nwant an error at %s", a.what, a.body, location)
	}
	return a
}

func (a answer) has(name, value string) answer {
	a.t.Helper()
	if got := a.header.Get(name); got != value {
		a.t.Errorf("%s\n got %s: %q, want %q", a.what, name, got, value)
	}
	return a
}

func (a answer) decode(into any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		a.t.Errorf("%s\n %v in %q", a.what, err, a.body)
	}
}

// shown is a task as a client reads it.
type shown struct {
	ID          int64   `json:"id"`
	UserID      string  `json:"user_id"`
	Title       string  `json:"title"`
	Description *string `json:"description"`
	Completed   bool    `json:"completed"`
	CreatedAt   string  `json:"created_at"`
	UpdatedAt   string  `json:"updated_at"`
}

func (a answer) task() shown {
	a.t.Helper()
	var one shown
	a.decode(&one)
	return one
}

func (a answer) tasks() []shown {
	a.t.Helper()
	var all []shown
	a.decode(&all)
	return all
}
