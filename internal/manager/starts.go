package manager

import (
	"fmt"
	"time"
)

const (
	// startsVariable passes the starts of a process to the process that replaces it.
	startsVariable = "TODOAPP_OPERATOR_STARTS"
	// calmAfter is the time without a start after which the next start counts as the first.
	calmAfter = 10 * time.Minute
	// longestPause bounds the pause between two starts.
	longestPause = time.Minute
)

// starts counts how often in a row a process has replaced itself because it lost its lease. Each start lists all objects, so a slow
// API server must not be asked for that every few seconds.
type starts struct {
	count int
	last  int64 // in seconds since 1970
}

// startsOf decodes starts. Any text that String does not return means that there was none.
func startsOf(text string) starts {
	var s starts
	if _, err := fmt.Sscanf(text, "%d %d", &s.count, &s.last); err != nil {
		return starts{}
	}
	return s
}

// String encodes starts.
func (s starts) String() string { return fmt.Sprintf("%d %d", s.count, s.last) }

// next returns the starts with one more.
func (s starts) next(now time.Time) starts {
	if now.Sub(time.Unix(s.last, 0)) > calmAfter {
		s.count = 0
	}
	return starts{s.count + 1, now.Unix()}
}

// pause returns how long to wait before the process goes on: nothing at the first start, then from two seconds to a minute.
func (s starts) pause() time.Duration {
	if s.count < 2 {
		return 0
	}
	return min(time.Second<<min(s.count-1, 10), longestPause)
}
