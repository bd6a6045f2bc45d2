package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// explainAfter is how long a step may take before its cause is printed.
const explainAfter = 15 * time.Second

// waiter follows one app and prints what changes.
type waiter struct {
	name    string
	goal    goal
	last    progress
	since   time.Time
	told    string
	reached bool
}

// wait follows apps until each has reached its goal. If the deadline comes first, the error names the causes of the delay.
// It does not wait for tokens that expire after the deadline: until then nothing else changes.
func (c *cluster) wait(ctx context.Context, waiters []*waiter, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	for {
		left := 0
		for _, w := range waiters {
			if w.reached {
				continue
			}
			if err := c.observe(ctx, w, len(waiters) > 1); err != nil && ctx.Err() == nil {
				return err
			}
			if w.reached = w.last.done && (w.last.draining.IsZero() || w.last.draining.After(deadline)); !w.reached {
				left++
			} else {
				c.printf("%s", w.ending())
			}
		}
		if left == 0 {
			return nil
		}
		if !pause(ctx, followEvery) {
			return unfinished(ctx, waiters, timeout)
		}
	}
}

// follow prints what changes about one app until the context ends or the given function says so.
func (c *cluster) follow(ctx context.Context, name string, ended func(progress) bool) error {
	w := &waiter{name: name}
	for {
		if err := c.observe(ctx, w, false); err != nil && ctx.Err() == nil {
			return err
		}
		if ended(w.last) || !pause(ctx, followEvery) {
			return nil
		}
	}
}

// observe reads an app once. It prints the changes.
func (c *cluster) observe(ctx context.Context, w *waiter, named bool) error {
	app := &todov1.TodoApp{}
	err := c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: w.name}, app)
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("TodoApp %s was deleted", w.name)
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return fmt.Errorf("reading TodoApp %s: %w", w.name, err)
	case err != nil:
		return nil //nolint:nilerr // the API server may restart; the next read may succeed
	}
	c.printf("%s", w.news(app, time.Now(), named))
	return nil
}

// news returns the lines to print after an app was read: its progress if that has changed, and the cause if it has not for a while.
func (w *waiter) news(app *todov1.TodoApp, now time.Time, named bool) string {
	next, text := towards(app, w.goal), ""
	prefix := now.Format(time.TimeOnly) + "  "
	if named {
		prefix += w.name + ": "
	}
	if next.line != w.last.line {
		text = hanging(prefix, next.line)
		w.since = now
	}
	if !next.done && next.cause != "" && next.cause != w.told && now.Sub(w.since) > explainAfter {
		text += indented(next.cause, 10)
		w.told = next.cause
	}
	w.last = next
	return text
}

// ending returns the line about tokens that are still accepted when an app has reached its goal.
func (w *waiter) ending() string {
	if w.last.draining.IsZero() {
		return ""
	}
	return fmt.Sprintf("Done, but for old tokens: they are accepted until %s. No command is needed then.\n", clock(w.last.draining))
}

// unfinished returns the error about apps that have not reached their goal in time.
func unfinished(ctx context.Context, waiters []*waiter, timeout time.Duration) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return exitError{exitWaiting, errors.New("interrupted; the operator goes on")}
	}
	text := fmt.Sprintf("not complete after %s; the operator goes on", shortDuration(timeout))
	for _, w := range waiters {
		if !w.reached {
			text += "\n" + indented(w.name+": "+w.last.line, 0)
			if w.last.cause != "" {
				text += indented(w.last.cause, 2)
			}
			text = strings.TrimSuffix(text, "\n")
		}
	}
	return exitError{exitWaiting, errors.New(text)}
}
