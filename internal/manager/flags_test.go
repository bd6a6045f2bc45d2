package manager

import (
	"io"
	"testing"
)

// TestProfilesAreLocal: a profile shows what is in memory, so a port alone is not served to the cluster.
func TestProfilesAreLocal(t *testing.T) {
	for flag, want := range map[string]string{"": "", ":6060": "127.0.0.1:6060", "10.0.0.1:6060": "10.0.0.1:6060"} {
		args := []string{"--task-api-image=image", "--namespace=system", "--pprof-listen=" + flag}
		s, err := parse(args, func(string) string { return "" }, io.Discard)
		if err != nil || s.pprof != want {
			t.Errorf("%q is served at %q, not at %q (%v)", flag, s.pprof, want, err)
		}
	}
}
