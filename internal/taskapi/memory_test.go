package taskapi

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestTheMemoryLimitFollowsTheContainerAndTheConnections(t *testing.T) {
	for _, c := range []struct {
		container, connections, limit int64
		most                          int
	}{
		{0, 0, 36 << 20, 10_000},
		{0, 3000, 36<<20 + 3000*32<<10, 10_000},
		{64 << 20, 0, 32 << 20, 448},
		{64 << 20, 3000, 32 << 20, 448},
		{32 << 20, 0, 16 << 20, 256},
		{256 << 20, 0, 208 << 20, 6080},
		{1 << 30, 5000, 1<<30 - 48<<20, 10_000},
	} {
		if got := memoryLimit(c.container, int(c.connections)); got != c.limit {
			t.Errorf("%d MiB, %d connections: the limit is %d, want %d", c.container>>20, c.connections, got, c.limit)
		}
		if got := maxConnections(c.container); got != c.most {
			t.Errorf("%d MiB: %d connections, want %d", c.container>>20, got, c.most)
		}
	}
}

func TestTheUserDecidesOnMemory(t *testing.T) {
	const unlimited = math.MaxInt64
	for given, want := range map[string]int64{"": memoryLimit(0, 128), "1GiB": unlimited} {
		before := debug.SetMemoryLimit(unlimited)
		newCollector(0, func(name string) string { return map[string]string{"GOGC": "100", "GOMEMLIMIT": given}[name] }).fit(65)
		if got := debug.SetMemoryLimit(before); got != want {
			t.Errorf("GOMEMLIMIT=%q: the limit is %d, want %d", given, got, want)
		}
	}
}

// TestTheLimitChangesInSteps: setting it stops the world.
func TestTheLimitChangesInSteps(t *testing.T) {
	var set []int64
	c := &collector{set: func(bytes int64) { set = append(set, bytes) }}
	for open := range 130 {
		c.fit(open)
	}
	if len(set) != 4 || set[3] != memoryLimit(0, 192) {
		t.Errorf("set to %v", set)
	}
}
