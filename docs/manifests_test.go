package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// manifest holds the fields of an object that these tests read.
type manifest struct {
	text             []byte
	APIVersion, Kind string
	Metadata         struct{ Name, Namespace string }
	Spec             struct {
		DependsOn []struct{ Name string }
		SourceRef reference
		Chart     struct {
			Spec struct {
				ReconcileStrategy string
				SourceRef         reference
			}
		}
	}
}

type reference struct{ Kind, Name string }

// manifests returns the objects of a page, from blocks of YAML and from commands that apply them. It skips values of the
// chart.
func manifests(t *testing.T, name, text string) []manifest {
	t.Helper()
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$|^(kubectl [^\n]*|cat >\\S+) <<'YAML'\n(.*?)^YAML$")
	var all []manifest
	for _, found := range block.FindAllStringSubmatch(text, -1) {
		if strings.HasSuffix(found[2], "values.yaml") {
			continue
		}
		for _, document := range strings.Split(found[1]+found[3], "\n---\n") {
			m := manifest{text: []byte(document)}
			if err := yaml.Unmarshal(m.text, &m); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, document)
			}
			all = append(all, m)
		}
	}
	return all
}

func TestManifests(t *testing.T) {
	apps := 0
	for name, text := range pages(t) {
		for _, m := range manifests(t, name, text) {
			if m.APIVersion == "" || m.Kind == "" {
				t.Errorf("%s has an object without apiVersion or kind:\n%s", name, m.text)
			}
			if m.Kind != "TodoApp" {
				continue
			}
			apps++
			var app struct { // unlike a TodoApp, this one is decoded strictly
				metav1.TypeMeta   `json:",inline"`
				metav1.ObjectMeta `json:"metadata"`
				Spec              todov1.TodoAppSpec   `json:"spec"`
				Status            todov1.TodoAppStatus `json:"status"`
			}
			if err := yaml.UnmarshalStrict(m.text, &app); err != nil || m.APIVersion != todov1.GroupVersion.String() {
				t.Errorf("%s has an invalid TodoApp of %s: %v\n%s", name, m.APIVersion, err, m.text)
			}
		}
	}
	if apps < 5 {
		t.Errorf("%d TodoApps found, expected those of 5 and more pages", apps)
	}
}

// TestFluxFindsWhatItIsPointedTo fails if an object of the page names an object that neither the page nor Flux creates.
func TestFluxFindsWhatItIsPointedTo(t *testing.T) {
	there := []reference{{}, {"GitRepository", "flux-system"}}
	var named []reference
	for _, m := range manifests(t, "gitops.md", pages(t)["gitops.md"]) {
		there = append(there, reference{m.Kind, m.Metadata.Name})
		chart := m.Spec.Chart.Spec
		named = append(named, m.Spec.SourceRef, chart.SourceRef)
		for _, other := range m.Spec.DependsOn {
			named = append(named, reference{m.Kind, other.Name})
		}
		if chart.SourceRef.Kind == "GitRepository" && chart.ReconcileStrategy != "Revision" {
			t.Error("the chart comes from Git, but only a change of its version causes an upgrade")
		}
	}
	for _, r := range named {
		if !slices.Contains(there, r) {
			t.Errorf("the page refers to %s, which does not exist", r)
		}
	}
}

func TestHealthCheckKnowsItsReasons(t *testing.T) {
	_, code, _ := strings.Cut(pages(t)["gitops.md"], "```lua\n")
	table, _, found := strings.Cut(code, "}")
	all := reasons(t)
	for _, reason := range regexp.MustCompile(`[{ ](\w+) = true`).FindAllStringSubmatch(table, -1) {
		if !all[reason[1]] {
			t.Errorf("no condition has the reason %s", reason[1])
		}
	}
	if !found {
		t.Error("gitops.md has no health check")
	}
}
