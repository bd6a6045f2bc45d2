package manager

import (
	"errors"
	"flag"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
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

// TestWorkloadFlags checks the settings for the workloads of apps: the defaults change no object, and mistakes are told.
func TestWorkloadFlags(t *testing.T) {
	for flags, c := range map[string]struct {
		want desired.Images
		err  string
	}{
		"": {want: desired.Images{TaskAPI: "image"}},
		"--app-image-pull-secrets=a,b.c --app-revision-history-limit=0": {
			want: desired.Images{TaskAPI: "image", PullSecrets: []string{"a", "b.c"}, RevisionHistory: new(int32)}},
		"--app-image-pull-secrets=a,B":    {err: `--app-image-pull-secrets must be names of Secrets: "B"`},
		"--app-revision-history-limit=-2": {err: "--app-revision-history-limit must be a number of ReplicaSets, or -1: -2"},
	} {
		args := append([]string{"--task-api-image=image", "--namespace=system"}, strings.Fields(flags)...)
		s, err := parse(args, func(string) string { return "" }, io.Discard)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, expected %q", flags, err, c.err)
			continue
		}
		if got := s.images(); err == nil && (got.TaskAPI != c.want.TaskAPI || !slices.Equal(got.PullSecrets, c.want.PullSecrets) ||
			!ptr.Equal(got.RevisionHistory, c.want.RevisionHistory)) {
			t.Errorf("%s: the settings are %+v, expected %+v", flags, got, c.want)
		}
	}
}
