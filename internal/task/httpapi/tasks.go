package httpapi

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

func (a *API) list(c *call) error {
	query, err := parseQuery(c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	filter, err := parseFilter(query)
	if err != nil {
		return err
	}
	page, err := a.Store.List(c.ctx, c.identity.Subject, filter)
	if err != nil {
		return err
	}
	header := c.w.Header()
	header.Set("X-Total-Count", strconv.FormatInt(page.Total, 10))
	if links := links(c.identity.Subject, filter, page); links != "" {
		header.Set("Link", links)
	}
	return c.writeTasks(page.Tasks)
}

func (a *API) create(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	if _, err := parseQuery(c.r.URL.RawQuery); err != nil {
		return err
	}
	draft, err := parseDraft(body)
	if err != nil {
		return err
	}
	attempt, err := attemptOf(c.r.Header, body)
	if err != nil {
		return err
	}
	created, err := a.Store.Create(c.ctx, c.identity.Subject, draft, attempt)
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", pathOf(created.Owner, "/"+strconv.FormatInt(created.ID, 10)))
	return c.writeTask(http.StatusCreated, created)
}

// attemptOf identifies a POST by its Idempotency-Key and the bytes of its body.
func attemptOf(header http.Header, body []byte) (task.Attempt, error) {
	const name = "Idempotency-Key"
	values := header.Values(name)
	if values == nil {
		return task.Attempt{}, nil
	}
	key := values[0]
	invisible := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(values) > 1 || key == "" || len(key) > 255 || strings.ContainsFunc(key, invisible) {
		return task.Attempt{}, invalid(fieldError{"header." + name, "must be 1 to 255 visible ASCII characters"})
	}
	return task.Attempt{Key: key, Fingerprint: sha256.Sum256(body)}, nil
}

func (a *API) get(c *call) error {
	unless, err := c.condition("If-None-Match")
	if err != nil {
		return err
	}
	id, err := parseID(c.task)
	if err != nil {
		return err
	}
	found, err := a.Store.Get(c.ctx, c.identity.Subject, id)
	if err != nil {
		return err
	}
	if unless.covers(found) {
		c.describe(found)
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.writeTask(http.StatusOK, found)
}

func (a *API) update(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	only, err := c.condition("If-Match")
	if err != nil {
		return err
	}
	change, err := parseChange(body)
	if err != nil {
		return err
	}
	id, err := parseID(c.task)
	if err != nil {
		return err
	}
	changed, err := a.Store.Update(c.ctx, c.identity.Subject, id, change, only.match(id))
	if err != nil {
		return err
	}
	return c.writeTask(http.StatusOK, changed)
}

func (a *API) toggle(c *call) error { return c.writeOne(a.Store.Toggle) }

func (a *API) remove(c *call) error { return c.writeOne(a.Store.Delete) }

// writeOne runs a write that needs only the task. It ignores a body.
func (c *call) writeOne(write storeWrite) error {
	only, err := c.condition("If-Match")
	if err != nil {
		return err
	}
	id, err := parseID(c.task)
	if err != nil {
		return err
	}
	written, err := write(c.ctx, c.identity.Subject, id, only.match(id))
	if err != nil {
		return err
	}
	return c.writeTask(http.StatusOK, written)
}

// condition reads the parts of a request for one task that can be malformed besides its body: its query and a header.
func (c *call) condition(name string) (condition, error) {
	if _, err := parseQuery(c.r.URL.RawQuery); err != nil {
		return condition{}, err
	}
	return parseCondition(c.r.Header, name)
}
