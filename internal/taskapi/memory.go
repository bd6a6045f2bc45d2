package taskapi

import (
	"runtime/debug"
	"sync"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	mebibyte = 1 << 20
	// baseMemory is the limit of Go's memory for an API without connections, if its container has no limit. Code, some
	// 33 MB, comes on top.
	baseMemory = 36 * mebibyte
	// connectionMemory is what an open connection adds to that limit: its buffers and stack, and what the garbage
	// collector needs to scan them seldom.
	connectionMemory = 32 << 10
	// ownMemory is the part of a container's limit that is left to code and to SQLite.
	ownMemory = 48 * mebibyte
	// unlimited is the size from which a cgroup's limit means none.
	unlimited = 1 << 50
)

// containerMemory returns the memory limit of the container in bytes, or 0 if it has none.
func containerMemory() int64 {
	limit, err := memlimit.FromCgroup()
	if err != nil || limit >= unlimited {
		return 0
	}
	return int64(limit)
}

// memoryLimit returns the soft limit of Go's memory: most of the container's, if it has one, and otherwise as much as the
// open connections need. Live memory close to the limit would make the garbage collector run all the time.
func memoryLimit(container int64, connections int) int64 {
	if container > 0 {
		return max(container/2, container-ownMemory)
	}
	return baseMemory + connectionMemory*int64(connections)
}

// maxConnections returns how many connections fit into the container's memory.
func maxConnections(container int64) int {
	const most, least = 10_000, 256
	if container == 0 {
		return most
	}
	return int(min(max((memoryLimit(container, 0)-baseMemory/2)/connectionMemory, least), most))
}

// collector tunes Go's garbage collector.
type collector struct {
	container int64
	set       func(bytes int64)

	mu      sync.Mutex
	current int64
}

// newCollector lets garbage grow to some 12 MB before it is collected: the heap is so small that Go's default would
// collect it many times a second under load. Large rows under load make the heap so large that four times as much garbage
// is too much, so there is a limit as well. GOGC and GOMEMLIMIT take precedence.
func newCollector(container int64, env func(string) string) *collector {
	if env("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	c := &collector{container: container, set: func(bytes int64) { debug.SetMemoryLimit(bytes) }}
	if env("GOMEMLIMIT") != "" {
		c.set = func(int64) {}
	}
	c.fit(0)
	return c
}

// fit sets the memory limit for a number of connections. A change stops the world for a moment, so it goes in steps.
func (c *collector) fit(connections int) {
	const step = 64
	limit := memoryLimit(c.container, (connections+step-1)/step*step)
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit != c.current {
		c.current = limit
		c.set(limit)
	}
}
