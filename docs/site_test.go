package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryPageIsInTheNavigation compares the pages with the lists of README.md, from which hack/site builds its sidebar, and
// the decision records with their index.
func TestEveryPageIsInTheNavigation(t *testing.T) {
	all := pages(t)
	entry := regexp.MustCompile(`(?m)^- \[[^\]]+\]\(([^)]+)\): `)
	for index, pattern := range map[string]string{"README.md": "*.md", "decisions/README.md": "decisions/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) < 15 {
			t.Fatalf("finding %s: %v, %d pages", pattern, err, len(found))
		}
		listed := map[string]int{}
		for _, link := range append(entry.FindAllStringSubmatch(all[index], -1), link.FindAllStringSubmatch(tableOf(all[index]), -1)...) {
			listed[filepath.Join(filepath.Dir(index), link[1])]++
		}
		for _, page := range found {
			if page != index && listed[page] != 1 {
				t.Errorf("%s lists %s %d times, expected once", index, page, listed[page])
			}
		}
	}
}

// tableOf returns the lines of a page's tables.
func tableOf(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
