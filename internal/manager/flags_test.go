package manager

import (
	"errors"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
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

// TestChartKnowsTheDefaults fails if the chart takes another value than the manager for the default of a flag: the chart passes
// no flag for a default, so the manager would then use another value than the user has set.
func TestChartKnowsTheDefaults(t *testing.T) {
	template, err := os.ReadFile("../../charts/todoapp-operator/templates/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var help strings.Builder
	if _, err := parse([]string{"--help"}, func(string) string { return "" }, &help); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	entries := regexp.MustCompile(`\(list "([a-z-]+)" \.[A-Za-z.]+ "?([^")]*)"?\)`).FindAllStringSubmatch(string(template), -1)
	if len(entries) < 10 {
		t.Fatalf("%d flags found in the template", len(entries))
	}
	for _, entry := range entries {
		_, text, found := strings.Cut(help.String(), "  -"+entry[1]+" ")
		text, _, _ = strings.Cut(text, "\n  -")
		value := "" // the help shows no default that is zero
		if match := regexp.MustCompile(`\(default (\w+)\)`).FindStringSubmatch(text); match != nil {
			value = match[1]
		}
		if !found || normalised(value) != normalised(entry[2]) {
			t.Errorf("the chart takes %q for the default of --%s, which is %q", entry[2], entry[1], value)
		}
	}
}

// normalised returns a duration in one notation, and zero and none as an empty text.
func normalised(value string) string {
	if value == "none" {
		return ""
	}
	if d, err := time.ParseDuration(value); err == nil && d != 0 {
		return d.String()
	}
	return strings.TrimPrefix(value, "0")
}
