package storestate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// TestEachChangeIsToldOnce plays calls of a store by the clock, in seconds, and compares what is told.
func TestEachChangeIsToldOnce(t *testing.T) {
	down, full := fmt.Errorf("%w: refused", task.ErrUnavailable), fmt.Errorf("%w: x", task.ErrFull)
	type call struct {
		at        int
		operation string
		err       error
	}
	for name, c := range map[string]struct {
		calls []call
		want  []string
	}{
		"nothing but success and answers": {
			[]call{
				{1, "list", nil}, {2, "get", task.ErrNotFound}, {3, "update", task.ErrMismatch}, {4, "create", task.ErrAttemptDiffers},
			}, nil,
		},
		"clients that go away, and a store that is not open yet": {
			[]call{{1, "list", context.Canceled}, {2, "ping", task.ErrNotOpened}}, nil,
		},
		"a defect of one request": {[]call{{1, "list", errors.New("syntax error")}}, nil},
		"an outage": {
			[]call{{10, "list", down}, {11, "get", down}, {12, "create", down}, {30, "ping", nil}, {31, "list", nil}},
			[]string{"serving to failing by list after 10s, 0 failed", "failing to serving after 20s, 3 failed"},
		},
		"an outage in which some calls succeed": {
			[]call{
				{1, "list", down}, {2, "list", nil}, {3, "get", down}, {7, "list", nil}, {9, "get", errors.New("syntax error")},
				{10, "get", task.ErrNotFound},
			},
			[]string{"serving to failing by list after 1s, 0 failed", "failing to serving after 9s, 2 failed"},
		},
		"a deadline": {[]call{{1, "list", context.DeadlineExceeded}}, []string{"serving to failing by list after 1s, 0 failed"}},
		"a full volume: reads and deletes do not end it": {
			[]call{{1, "create", full}, {2, "ping", full}, {9, "list", nil}, {10, "delete", nil}, {11, "create", nil}},
			[]string{"serving to full by create after 1s, 0 failed", "full to serving after 10s, 2 failed"},
		},
		"a full volume that has room again": {
			[]call{{1, "create", full}, {9, "ping", nil}},
			[]string{"serving to full by create after 1s, 0 failed", "full to serving after 8s, 1 failed"},
		},
		"a full volume that is lost": {
			[]call{{1, "update", full}, {4, "get", down}, {5, "toggle", full}},
			[]string{
				"serving to full by update after 1s, 0 failed", "full to failing by get after 3s, 1 failed",
				"failing to full by toggle after 1s, 1 failed",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Unix(1_800_000_000, 0)
			clock := start
			var told []string
			f := New(func() time.Time { return clock }, func(c Change) {
				if (c.Cause == nil) != (c.To == Serving) {
					t.Errorf("the change to %s has the cause %v", c.To, c.Cause)
				}
				by := ""
				if c.Operation != "" {
					by = " by " + c.Operation
				}
				told = append(told, fmt.Sprintf("%s to %s%s after %v, %d failed", c.From, c.To, by, c.After, c.Failed))
			})
			for _, one := range c.calls {
				clock = start.Add(time.Duration(one.at) * time.Second)
				_, end := f.Call(t.Context(), one.operation)
				end(one.err)
			}
			if !slices.Equal(told, c.want) {
				t.Errorf("told %q\nwant %q", told, c.want)
			}
		})
	}
}
