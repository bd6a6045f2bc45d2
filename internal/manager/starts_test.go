package manager

import (
	"testing"
	"time"
)

// TestStartsInARowPause: the first start costs nothing, the next ones pause longer and longer, and after a calm time it begins
// anew.
func TestStartsInARowPause(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	s := startsOf("")
	for i, want := range []time.Duration{0, 2, 4, 8, 16, 32, 60, 60} {
		s = startsOf(s.next(now).String())
		if got := s.pause(); got != want*time.Second {
			t.Errorf("start %d pauses for %s, expected %s", i+1, got, want*time.Second)
		}
		now = now.Add(longestPause)
	}
	if s = s.next(now.Add(calmAfter)); s.count != 1 {
		t.Errorf("after a calm time it is start %d in a row", s.count)
	}
	if s := startsOf("often"); s != (starts{}) {
		t.Errorf("an unknown text is %+v", s)
	}
}
