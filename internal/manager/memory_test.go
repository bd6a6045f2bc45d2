package manager

import (
	"math"
	"runtime/debug"
	"testing"
)

// TestCollect checks that the manager leaves a tenth of the memory limit to what Go does not count, and that GOGC takes precedence.
func TestCollect(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(1000)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
	for _, c := range []struct {
		gogc, memory string
		percent      int
		limit        int64
	}{
		{"", "1000", 200, 900},
		{"50", "1000", 50, 900},
		{"", "", 200, 1000},
	} {
		debug.SetMemoryLimit(1000)
		if c.gogc != "" {
			debug.SetGCPercent(c.percent) // as the runtime does with GOGC
		}
		collect(func(name string) string { return map[string]string{"GOGC": c.gogc, "GOMEMLIMIT": c.memory}[name] })
		if got := debug.SetGCPercent(100); got != c.percent {
			t.Errorf("GOGC=%q: garbage grows to %d %%, expected %d", c.gogc, got, c.percent)
		}
		if got := debug.SetMemoryLimit(-1); got != c.limit {
			t.Errorf("GOMEMLIMIT=%q: the limit is %d, expected %d", c.memory, got, c.limit)
		}
	}
	debug.SetMemoryLimit(math.MaxInt64)
	collect(func(string) string { return "off" })
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("without a limit, the limit is %d", got)
	}
}
