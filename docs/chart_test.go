package docs_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPagesNameTheVersion fails if a page builds or installs another version than the chart's.
func TestPagesNameTheVersion(t *testing.T) {
	var chart struct{ AppVersion string }
	if err := yaml.Unmarshal([]byte(file(t, "../charts/todoapp-operator/Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?:todoapp-operator:|VERSION=|[tT]ag[:=] ?)(\d+\.\d+\.\d+)`)
	count := 0
	for name, text := range pages(t) {
		for _, version := range named.FindAllStringSubmatch(text, -1) {
			if count++; version[1] != chart.AppVersion {
				t.Errorf("%s says %s; the chart's version is %s", name, version[0], chart.AppVersion)
			}
		}
	}
	if count < 10 {
		t.Errorf("%d versions found, expected 10 and more", count)
	}
}

// TestChartPageInstalls runs the commands of the chart's page that need neither a cluster nor Docker. It renders the
// objects that helm would install, and expects the image that the page pushes.
func TestChartPageInstalls(t *testing.T) {
	_, block, _ := strings.Cut(pages(t)[chartPage], "```\n")
	block, _, _ = strings.Cut(strings.ReplaceAll(block, "\\\n", ""), "```")
	image := ""
	for line := range strings.Lines(block) {
		words := strings.Fields(line)
		switch {
		case words[0] == "docker":
			image = built(t, words)
		case words[0] == "helm" && words[1] == "install":
			render := exec.CommandContext(t.Context(), "bin/helm", append([]string{"template"}, words[2:]...)...)
			render.Dir = ".."
			if output, err := render.CombinedOutput(); err != nil || !strings.Contains(string(output), "image: "+image+"\n") {
				t.Errorf("%s renders without the image %q: %v\n%s", line, image, err, output)
			}
			return
		}
	}
	t.Error("the page has no helm install command")
}

// built returns the image that a docker buildx build command pushes. The Dockerfile must know its build arguments.
func built(t *testing.T, words []string) string {
	t.Helper()
	dockerfile, image := file(t, "../Dockerfile"), ""
	known := false
	for i, word := range words {
		switch word {
		case "--tag":
			image = words[i+1]
		case "--build-arg":
			name, _, _ := strings.Cut(words[i+1], "=")
			known = regexp.MustCompile(`(?m)^ARG .*\b` + name + `\b`).MatchString(dockerfile)
		}
	}
	if !known || image == "" {
		t.Errorf("the command sets no known build argument, or no tag: %v", words)
	}
	return image
}
