package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// pluginPage is the page about kubectl todoapp.
const pluginPage = "kubectl-todoapp.md"

// TestTranscriptsAreThoseOfThePlugin fails if the page shows output that no test of the plugin produces, or lacks some.
func TestTranscriptsAreThoseOfThePlugin(t *testing.T) {
	files, err := filepath.Glob("../internal/plugin/testdata/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("finding the golden files: %v, %d of them", err, len(files))
	}
	var shown []string
	for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(pages(t)[pluginPage], -1) {
		shown = append(shown, block[1])
	}
	made := make([]string, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		made[i] = string(text)
		if !slices.Contains(shown, made[i]) {
			t.Errorf("%s does not show %s", pluginPage, file)
		}
	}
	for _, block := range shown {
		if !slices.Contains(made, block) {
			t.Errorf("%s shows a transcript that no test makes:\n%s", pluginPage, block)
		}
	}
}
