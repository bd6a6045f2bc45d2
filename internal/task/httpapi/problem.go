package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// gone is counted if a client did not wait for its answer. HTTP has no status for it; nginx uses this one.
const gone = 499

// problem is an RFC 9457 answer. It is an error until it is written.
type problem struct {
	status int
	detail string
	fields []fieldError
	header http.Header
}

// fieldError names the part of a request that cannot be accepted: body.title, query.limit, path.id, header.If-Match.
type fieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func (p *problem) Error() string { return p.detail }

func malformed(detail string) error {
	return &problem{status: http.StatusBadRequest, detail: detail}
}

func invalid(fields ...fieldError) error {
	return &problem{status: http.StatusUnprocessableEntity, detail: "the request is not valid", fields: fields}
}

func notAllowed(allow string) error {
	return &problem{
		status: http.StatusMethodNotAllowed, detail: "this method is not allowed here",
		header: http.Header{"Allow": {allow}},
	}
}

func unavailable(detail string) *problem {
	return &problem{
		status: http.StatusServiceUnavailable, detail: detail,
		header: http.Header{"Retry-After": {"1"}},
	}
}

// problemOf converts an error into an answer, for all error kinds. An unknown error is a defect: 500.
func problemOf(err error) *problem {
	var known *problem
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, task.ErrNotFound):
		return &problem{status: http.StatusNotFound, detail: "task not found"}
	case errors.Is(err, task.ErrMismatch):
		return &problem{status: http.StatusPreconditionFailed, detail: "the task has changed"}
	case errors.Is(err, task.ErrAttemptDiffers):
		return &problem{status: http.StatusUnprocessableEntity, detail: "the request is not valid", fields: []fieldError{
			{"header.Idempotency-Key", "was used before with another body"},
		}}
	case errors.Is(err, context.Canceled):
		return &problem{status: gone, detail: "the client went away"}
	case errors.Is(err, task.ErrFull):
		return unavailable("the task store is full: tasks can only be read and deleted")
	case errors.Is(err, task.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return unavailable("the task store is unavailable")
	}
	return &problem{status: http.StatusInternalServerError, detail: "internal error"}
}

func titleOf(status int) string {
	if status == gone {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}

func (p *problem) write(w http.ResponseWriter) {
	body, err := json.Marshal(struct {
		Title  string       `json:"title"`
		Status int          `json:"status"`
		Detail string       `json:"detail"`
		Errors []fieldError `json:"errors,omitempty"`
	}{titleOf(p.status), p.status, p.detail, p.fields})
	if err != nil { // cannot be: strings and a number
		panic(err)
	}
	header := w.Header()
	for name, values := range p.header {
		header[name] = values
	}
	header.Set("Cache-Control", "no-store")
	writeBody(w, p.status, "application/problem+json", body)
}
