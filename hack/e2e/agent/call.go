package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	callTimeout = 10 * time.Second
	// askTimeout bounds each try of Until, and askInterval is the pause between two tries.
	askTimeout  = 500 * time.Millisecond
	askInterval = 20 * time.Millisecond
)

// client opens a connection for each request, so that a Service chooses a pod for each.
var client = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func call(r *http.Request, c Call) (Reply, error) {
	return c.do(r.Context(), callTimeout)
}

func (c Call) do(ctx context.Context, timeout time.Duration) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, c.Method, c.URL, strings.NewReader(c.Body))
	if err != nil {
		return Reply{}, fmt.Errorf("making the request: %w", err)
	}
	for name, value := range c.Header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return Reply{}, fmt.Errorf("calling: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return Reply{}, fmt.Errorf("reading the answer: %w", err)
	}
	return Reply{response.StatusCode, string(body)}, nil
}

func until(r *http.Request, u Until) ([]time.Time, error) {
	match, err := regexp.Compile(u.Match)
	if err != nil {
		return nil, fmt.Errorf("reading what to match: %w", err)
	}
	group, ctx := errgroup.WithContext(r.Context())
	ctx, cancel := context.WithTimeout(ctx, u.Within)
	defer cancel()
	moments := make([]time.Time, len(u.Calls))
	awaited := func(reply Reply) bool {
		return reply.Status == u.Status && match.MatchString(reply.Body) != u.Lacks
	}
	for i, c := range u.Calls {
		group.Go(func() error {
			moment, err := c.until(ctx, awaited)
			moments[i] = moment
			return err
		})
	}
	return moments, group.Wait()
}

// until repeats the call and returns the moment of its first expected answer.
func (c Call) until(ctx context.Context, awaited func(Reply) bool) (time.Time, error) {
	ticker := time.NewTicker(askInterval)
	defer ticker.Stop()
	for {
		reply, err := c.do(ctx, askTimeout)
		if err == nil && awaited(reply) {
			return time.Now(), nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%s %s was last answered with %d %.200s: %w",
				c.Method, c.URL, reply.Status, reply.Body, errors.Join(err, ctx.Err()))
		case <-ticker.C:
		}
	}
}
