package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

type storeWrite func(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error)

// Tasks belong to one user: no shared cache may keep them, and a browser asks again with the ETag.
var private = []string{"private, no-cache"}

var jsonType = []string{"application/json"}

// describe sets the headers of an answer about one task.
func (c *call) describe(t task.Task) {
	header := c.w.Header()
	header["Etag"] = []string{`"` + tagOf(t.ID, t.Revision) + `"`}
	header["Cache-Control"] = private
}

func (c *call) writeTask(status int, t task.Task) error {
	body, err := appendTask(make([]byte, 0, 512), t)
	if err != nil {
		return err
	}
	c.describe(t)
	writeBody(c.w, status, "application/json", body)
	return nil
}

// part is the size in bytes from which a list is sent in parts: a full page of the largest tasks has more than a
// megabyte, and many clients may ask for one at once.
const part = 32 << 10

func (c *call) writeTasks(tasks []task.Task) (err error) {
	c.w.Header()["Cache-Control"] = private
	body := append(make([]byte, 0, min(256*(len(tasks)+1), part)), '[')
	for i, t := range tasks {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = appendTask(body, t); err != nil {
			return err
		}
		if len(body) >= part {
			c.w.Header()["Content-Type"] = jsonType
			_, _ = c.w.Write(body) // fails only when the client has gone
			body = body[:0]
		}
	}
	body = append(body, ']')
	if c.w.status == 0 {
		writeBody(c.w, http.StatusOK, "application/json", body)
		return nil
	}
	_, _ = c.w.Write(body)
	return nil
}

// appendTask appends the JSON of a task without reflection, because lists of fifty tasks are the most frequent request.
func appendTask(b []byte, t task.Task) ([]byte, error) {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, t.ID, 10)
	b, errOwner := jsontext.AppendQuote(append(b, `,"user_id":`...), t.Owner)
	b, errTitle := jsontext.AppendQuote(append(b, `,"title":`...), t.Title)
	b = append(b, `,"description":`...)
	var errDescription error
	if t.Description == nil {
		b = append(b, "null"...)
	} else {
		b, errDescription = jsontext.AppendQuote(b, *t.Description)
	}
	for _, err := range []error{errOwner, errTitle, errDescription} {
		if err != nil {
			return nil, fmt.Errorf("writing task %d: %w", t.ID, err)
		}
	}
	b = strconv.AppendBool(append(b, `,"completed":`...), t.Completed)
	b = appendTime(append(b, `,"created_at":"`...), t.CreatedAt)
	b = appendTime(append(b, `","updated_at":"`...), t.UpdatedAt)
	return append(b, `"}`...), nil
}

// appendTime appends a time with microseconds, so that text order is time order. Only time.RFC3339 has a fast path.
func appendTime(b []byte, at time.Time) []byte {
	b = at.UTC().AppendFormat(b, time.RFC3339)
	point := len(b) - 1 // the index of Z
	b = strconv.AppendInt(b[:point], int64(1_000_000+at.Nanosecond()/1000), 10)
	b[point] = '.'
	return append(b, 'Z')
}
