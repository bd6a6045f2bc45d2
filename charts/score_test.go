package charts

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// perfect is the grade of a check without findings.
const perfect = 10

// TestScore fails if the findings of kube-score in the installed objects and the pods of apps differ from the table in
// security.md.
func TestScore(t *testing.T) {
	found := map[string]bool{}
	add := func(manifests []byte, owner func(name string) string) {
		for _, object := range score(t, manifests) {
			for _, check := range object.Checks {
				if check.Skipped || check.Grade == perfect {
					continue
				}
				if len(check.Comments) == 0 {
					t.Errorf("%s fails without a comment in %s", check.Check.ID, object.ObjectMeta.Name)
				}
				for _, comment := range check.Comments {
					found[comment.Summary+" | "+owner(object.ObjectMeta.Name)] = true
				}
			}
		}
	}
	for _, args := range [][]string{nil, append([]string{"--set=apps.networkPolicy.enabled=true"}, everything...)} {
		add(render(t, append(args, "--skip-tests=false")...), installed)
	}
	add(run(t, "../bin/k8s/current/kubectl", "kustomize", "../config/default"), installed)
	apps, err := filepath.Glob("../internal/desired/testdata/*.yaml")
	if err != nil || len(apps) == 0 {
		t.Fatalf("finding the objects of apps: %v, %d files", err, len(apps))
	}
	for _, file := range apps {
		add(read(t, file), func(name string) string {
			if name == "todo-frontend" || filepath.Base(file) == "own-backend.yaml" {
				return "own images"
			}
			return "task API"
		})
	}
	if diff := cmp.Diff(meant(t), slices.Sorted(maps.Keys(found))); diff != "" {
		t.Errorf("docs/security.md (-) and kube-score (+) differ:\n%s", diff)
	}
}

func installed(name string) string {
	if name == "todoapp-operator-check" {
		return "helm test"
	}
	return "managers"
}

// meant returns the findings that security.md lists with a reason, each with the object that it concerns.
func meant(t *testing.T) []string {
	t.Helper()
	_, table, _ := strings.Cut(string(read(t, "../docs/security.md")), "| finding |")
	table, _, _ = strings.Cut(table, "\n\n")
	row := regexp.MustCompile("(?m)^\\| (`.+`) \\| (.+) \\| .+ \\|$")
	var all []string
	for _, cells := range row.FindAllStringSubmatch(table, -1) {
		for _, finding := range strings.Split(cells[1], ", ") {
			for _, owner := range strings.Split(cells[2], ", ") {
				all = append(all, strings.Trim(finding, "`")+" | "+owner)
			}
		}
	}
	slices.Sort(all)
	return all
}

// scored is the result of kube-score for one object.
type scored struct {
	ObjectMeta metav1.ObjectMeta `json:"object_meta"`
	Checks     []struct {
		Check    struct{ ID string }
		Grade    int
		Skipped  bool
		Comments []struct{ Summary string }
	}
}

func score(t *testing.T, manifests []byte) []scored {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../bin/kube-score", "score", "--kubernetes-version=v1.30", "--output-format=json", "-")
	cmd.Stdin = bytes.NewReader(manifests)
	output, err := cmd.Output() // fails if there are findings
	var objects []scored
	if decodeErr := json.Unmarshal(output, &objects); decodeErr != nil {
		t.Fatalf("kube-score: %v, %v (make test builds it)", err, decodeErr)
	}
	return objects
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
