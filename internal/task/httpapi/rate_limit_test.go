package httpapi

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestRateLimit(t *testing.T) {
	now := time.Now()
	s := serving(t, func(c *Config) { c.Rate = 2; c.Now = func() time.Time { return now } })
	bob := []string{"Authorization", "Bearer " + tokenOf("bob")}
	for range 2 {
		s.do("GET", tasksOfAlice, "").want(200)
	}
	s.do("GET", tasksOfAlice, "").want(429).has("Retry-After", "1")
	s.do("POST", tasksOfAlice, "{", "Content-Type", "x").want(429)
	s.do("GET", "/api/bob/tasks", "", bob...).want(200)
	s.do("GET", "/api/bob/tasks", "").want(403)
	s.do("GET", "/healthz", "").want(200)
	now = now.Add(500 * time.Millisecond)
	s.do("GET", tasksOfAlice, "").want(200)
	s.do("GET", tasksOfAlice, "").want(429)
	now = now.Add(5 * time.Minute)
	for range 2 {
		s.do("GET", tasksOfAlice, "").want(200)
	}
	s.do("GET", tasksOfAlice, "").want(429)
}

func TestLimitsForgetOnlyWhoIsNotLimited(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLimits(0.5)
	for i := range 3 * maxLimiters {
		if wait := l.wait(fmt.Sprint(i), now); wait != 0 {
			t.Fatalf("subject %d waits %v", i, wait)
		}
	}
	if kept := len(l.current) + len(l.former); kept > 2*maxLimiters {
		t.Errorf("%d subjects are remembered", kept)
	}
	now = now.Add(time.Minute)
	l.wait("alice", now)
	for range 20 {
		now = now.Add(100 * time.Millisecond)
		l.wait(now.String(), now)
		if wait := l.wait("alice", now); now.Sub(time.Unix(60, 0)) < 2*time.Second && wait <= 0 {
			t.Fatalf("the limit was forgotten after %v", now.Sub(time.Unix(60, 0)))
		}
	}
}

// TestRefusedRequestsOweNothing: what a subject was refused must not be taken from what it gets later, however many of
// its requests come at once.
func TestRefusedRequestsOweNothing(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLimits(1)
	if wait := l.wait("alice", now); wait != 0 {
		t.Fatalf("the first request waits %v", wait)
	}
	var asking sync.WaitGroup
	for range 32 {
		asking.Go(func() {
			for range 2000 {
				if wait := l.wait("alice", now); wait <= 0 || wait > time.Second {
					t.Errorf("one more waits %v", wait)
					return
				}
			}
		})
	}
	asking.Wait()
	for range 3 {
		now = now.Add(time.Second)
		if wait := l.wait("alice", now); wait != 0 {
			t.Errorf("a second later there is a wait of %v", wait)
		}
	}
}
