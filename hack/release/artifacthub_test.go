package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// isDescribed checks the annotations of the packaged chart against the artefacts of the release.
func isDescribed(t *testing.T, r release) {
	var chart struct {
		Version, AppVersion string
		Annotations         map[string]string
	}
	must(t, yaml.Unmarshal([]byte(program(t, "helm", "show", "chart", r.chartFile())), &chart))
	if chart.Version != r.version || chart.AppVersion != r.version {
		t.Errorf("the chart has the versions %s and %s", chart.Version, chart.AppVersion)
	}
	for name, want := range map[string]string{"license": "Apache-2.0", "prerelease": "true", "containsSecurityUpdates": "true"} {
		if got := chart.Annotations[hub+name]; got != want {
			t.Errorf("the annotation %s is %q, expected %q", name, got, want)
		}
	}
	var images []struct {
		Name, Image string
		Platforms   []string
	}
	must(t, yaml.UnmarshalStrict([]byte(chart.Annotations[hub+"images"]), &images))
	if len(images) != 1 || images[0].Image != strings.TrimSpace(content(t, r, "images.txt")) || images[0].Name != operator ||
		strings.Join(images[0].Platforms, " ") != "linux/amd64 linux/arm64" {
		t.Errorf("the images are %+v, expected those of images.txt", images)
	}
	var changes []change
	must(t, yaml.UnmarshalStrict([]byte(chart.Annotations[hub+"changes"]), &changes))
	if want := strings.Count("\n"+content(t, r, "CHANGELOG.md"), "\n- "); len(changes) != want || want == 0 {
		t.Errorf("%d changes are described, expected the %d of CHANGELOG.md", len(changes), want)
	}
}

// TestHubChanges compares the changes of a version with the entries of the list of changes.
func TestHubChanges(t *testing.T) {
	r := release{version: "0.3.0", source: "https://example.com/repository"}
	got, err := r.hubChanges("# Changelog\n\n## 0.3.0 (2026-11-26)\n\n[All](docs/a.md)\n\n### Added\n\n" +
		"- a `b`:\n  see [c](docs/c.md#d)\n- e\n\n- f\n\n### Security\n\n- [g](https://example.com/g)\n\n## 0.2.0\n\n### Fixed\n\n- h\n")
	must(t, err)
	want := []change{
		{Kind: "added", Description: "a `b`: see c", Links: []link{{"c", "https://example.com/repository/blob/v0.3.0/docs/c.md#d"}}},
		{Kind: "added", Description: "e"},
		{Kind: "added", Description: "f"},
		{Kind: "security", Description: "g", Links: []link{{"g", "https://example.com/g"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the changes differ from the expected (-):\n%s", diff)
	}
	for name, changelog := range map[string]string{
		"another version":     "## 0.2.0\n\n### Added\n\n- a\n",
		"no changes":          "## 0.3.0\n\n### Added\n\n",
		"an unknown heading":  "## 0.3.0\n\n### New\n\n- a\n",
		"changes without one": "## 0.3.0\n\n- a\n",
	} {
		if changes, err := r.hubChanges(changelog); err == nil {
			t.Errorf("%s: no error, but the changes %v", name, changes)
		}
	}
}
