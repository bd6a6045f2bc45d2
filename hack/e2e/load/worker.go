package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/signer"
)

// request is one request, which is repeated until it gets an answer.
type request struct {
	what, method, url, body string
	token                   signer.Token
	signed                  time.Time
	client                  *http.Client
	// expected reports whether an answer is correct. If again is set, an earlier try got no answer, so the backend may
	// already have carried out the request.
	expected func(status int, again bool) bool
}

func is(expected int) func(int, bool) bool {
	return func(status int, _ bool) bool { return status == expected }
}

// made accepts the status of a creation: 201, or 200 from FastAPI.
func made(status int, _ bool) bool { return status == http.StatusCreated || status == http.StatusOK }

// gone accepts 404 for a deletion if an earlier try may have deleted the task.
func gone(status int, again bool) bool {
	return status == http.StatusOK || again && status == http.StatusNotFound
}

// fresh signs in again for each task. It opens a connection for each request, so that Services spread them over all
// pods.
func (g *Generator) fresh(worker int) func(context.Context) {
	client := &http.Client{Timeout: TryTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	user := "user-" + strconv.Itoa(worker)
	return func(ctx context.Context) {
		token, ok := g.sign(ctx, client, user)
		if !ok {
			return
		}
		r := request{what: "create", method: http.MethodPost, url: g.backend + "/api/" + user + "/tasks",
			body: `{"title":"rotate"}`, token: token, signed: time.Now(), client: client, expected: made}
		answer, ok := g.do(ctx, r, "fresh")
		var task struct{ ID int64 }
		if !ok || json.Unmarshal(answer, &task) != nil {
			return
		}
		r.what, r.method, r.body, r.expected = "delete", http.MethodDelete, "", gone
		r.url += "/" + strconv.FormatInt(task.ID, 10)
		g.do(ctx, r, "fresh")
	}
}

// sign gets a token from the frontend.
func (g *Generator) sign(ctx context.Context, client *http.Client, user string) (signer.Token, bool) {
	r := request{what: "sign", method: http.MethodGet, url: g.frontend + "/token?sub=" + url.QueryEscape(user),
		client: client, expected: is(http.StatusOK)}
	answer, ok := g.do(ctx, r, "")
	var token signer.Token
	if !ok {
		return token, false
	}
	if err := json.Unmarshal(answer, &token); err != nil {
		g.fail(Note{At: time.Now(), What: r.what, Error: err.Error()})
		return token, false
	}
	g.note(func(r *Report) { r.Signed++ })
	g.tokens.keep(user, token)
	return token, true
}

// old sends requests with tokens that were signed earlier, over connections that it keeps open.
func (g *Generator) old(worker int) func(context.Context) {
	client := &http.Client{Timeout: TryTimeout, Transport: &http.Transport{}}
	user := "user-" + strconv.Itoa(worker)
	return func(ctx context.Context) {
		token, signed, ok := g.tokens.pick(user)
		if !ok {
			return
		}
		g.do(ctx, request{what: "list", method: http.MethodGet, url: g.backend + "/api/" + user + "/tasks?limit=1",
			token: token, signed: signed, client: client, expected: is(http.StatusOK)}, "old")
	}
}

// do repeats a request until it gets an answer or its token expires, and records the result.
func (g *Generator) do(ctx context.Context, r request, kind string) ([]byte, bool) {
	if r.token.Token != "" {
		var cancel func()
		ctx, cancel = context.WithDeadline(ctx, r.token.Expires)
		defer cancel()
	}
	started := time.Now()
	key := strconv.FormatInt(started.UnixNano(), 36)
	for again := false; ; again = true {
		status, answer, err := r.try(ctx, key)
		if err != nil && ctx.Err() != nil {
			return nil, false // a real user would sign in again
		}
		n := Note{At: time.Now(), What: r.what, KeyID: r.token.KeyID, Status: status}
		if r.token.KeyID != "" {
			n.Age = time.Since(r.signed).Round(time.Millisecond)
		}
		switch {
		case err == nil && r.expected(status, again):
			g.done(r, kind, time.Since(started))
			return answer, true
		case err == nil:
			n.Error = strings.TrimSpace(string(answer[:min(len(answer), 200)]))
			g.fail(n)
			return nil, false
		case time.Since(started) > patience:
			n.Error = err.Error()
			g.fail(n)
			return nil, false
		}
		n.Error = err.Error()
		g.fault(n)
		select {
		case <-ctx.Done():
		case <-time.After(interval):
		}
	}
}

func (g *Generator) done(r request, kind string, took time.Duration) {
	g.note(func(report *Report) {
		report.Slowest = max(report.Slowest, took)
		if r.token.KeyID != "" {
			report.ByKey[r.token.KeyID]++
		}
		switch kind {
		case "fresh":
			report.Fresh++
		case "old":
			report.Old++
		}
	})
}

// try sends a request once. The idempotency key keeps a repeated creation from adding a second task.
func (r request) try(ctx context.Context, key string) (int, []byte, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, r.url, strings.NewReader(r.body))
	if err != nil {
		return 0, nil, fmt.Errorf("making the request: %w", err)
	}
	if r.token.Token != "" {
		q.Header.Set("Authorization", "Bearer "+r.token.Token)
	}
	if r.method == http.MethodPost {
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Idempotency-Key", r.what+"-"+key)
	}
	response, err := r.client.Do(q)
	if err != nil {
		return 0, nil, fmt.Errorf("trying: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the answer: %w", err)
	}
	return response.StatusCode, answer, nil
}
