package controllers

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// prompt is a transport that answers at once.
type prompt struct{}

func (prompt) RoundTrip(*http.Request) (*http.Response, error) { return &http.Response{}, nil }

// waits returns how long a request in the turn of an app waits.
func (t *Turns) waits(test *testing.T, turn context.Context) time.Duration {
	test.Helper()
	request, err := http.NewRequestWithContext(turn, http.MethodGet, "http://api.example", nil)
	if err != nil {
		test.Fatal(err)
	}
	begin := time.Now()
	if _, err := t.Wrap(prompt{}).RoundTrip(request); err != nil { //nolint:bodyclose // it has none
		test.Fatal(err)
	}
	return time.Since(begin)
}

// TestRequestsWaitForUrgentApps: the requests of other apps wait until the last urgent app is done, and no longer than the bound.
func TestRequestsWaitForUrgentApps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := &Turns{}
		bulk, _ := turns.begin(t.Context(), false)
		if d := turns.waits(t, bulk); d != 0 {
			t.Errorf("a request waits %s for nothing", d)
		}
		leaked, endLeaked := turns.begin(t.Context(), true)
		_, endNew := turns.begin(t.Context(), true)
		if d := turns.waits(t, leaked); d != 0 {
			t.Errorf("a request of an urgent app waits %s", d)
		}
		if d := turns.waits(t, bulk); d != longestYield {
			t.Errorf("a request waits %s for apps that take longer, expected %s", d, longestYield)
		}
		endLeaked()
		time.AfterFunc(longestYield/2, endNew)
		if d := turns.waits(t, bulk); d != longestYield/2 {
			t.Errorf("a request waits %s for the last urgent app, expected %s", d, longestYield/2)
		}
		if d := turns.waits(t, bulk); d != 0 {
			t.Errorf("a request waits %s after the last urgent app", d)
		}
	})
}
