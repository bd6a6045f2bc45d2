package httpapi

import (
	"testing"
	"time"
)

func TestTimestamps(t *testing.T) {
	for want, at := range map[string]time.Time{
		"2026-01-02T03:04:05.000000Z": time.Date(2026, 1, 2, 3, 4, 5, 999, time.UTC),
		"2026-01-02T03:04:05.000001Z": time.Date(2026, 1, 2, 3, 4, 5, 1000, time.UTC),
		"2026-01-02T03:04:05.120000Z": time.Date(2026, 1, 2, 3, 4, 5, 120_000_000, time.UTC),
		"2026-01-01T23:04:05.999999Z": time.Date(2026, 1, 2, 0, 4, 5, 999_999_999, time.FixedZone("", 3600)),
	} {
		if got := string(appendTime([]byte("at "), at)); got != "at "+want {
			t.Errorf("%v became %q, want %q", at, got, want)
		}
	}
}
