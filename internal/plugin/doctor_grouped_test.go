package plugin

import (
	"strings"
	"testing"
)

// TestTheSameFaultOfSeveralPodsIsOneRow expects one row for pods with the same fault. Other faults, other advice and findings
// about no pod stay apart.
func TestTheSameFaultOfSeveralPodsIsOneRow(t *testing.T) {
	stale := func(pod, versions string) finding {
		f := fault("restart it: kubectl delete pod "+pod, "pod %s was started with keys %s: its environment is stale", pod, versions)
		f.Check = "pods"
		return f
	}
	found := []finding{
		stale("a-1", "1"), stale("a-2", "1"), stale("a-3", "2"), stale("a-4", "1"), ok("fine"), ok("fine"), stale("a-5", "2"),
	}
	text := renderFindings(found, style{})
	for _, want := range []string{
		"pod a-1 was started with keys 1: its environment is stale; the same is true of a-2, a-4. " +
			"Do this: restart it: kubectl delete pod a-1",
		"pod a-3 was started with keys 2: its environment is stale; the same is true of a-5. " +
			"Do this: restart it: kubectl delete pod a-3",
		"fine",
		"2 faults were found",
	} {
		if strings.Count(strings.Join(strings.Fields(text), " "), want) < 1 {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "FAULT"); n != 2 || strings.Count(text, "fine") != 2 {
		t.Errorf("%d rows are faults:\n%s", n, text)
	}
}
