package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPythonIsFromTheFileItSays fails if a page shows code that is not in the file that it names.
func TestPythonIsFromTheFileItSays(t *testing.T) {
	code, err := os.ReadFile("../examples/fastapi/tokens.py")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```python\n(.*?)^```$").FindAllStringSubmatch(pages(t)["custom-backends.md"], -1)
	if len(blocks) == 0 {
		t.Error("custom-backends.md shows no Python")
	}
	for _, block := range blocks {
		if !strings.Contains(string(code), block[1]) {
			t.Errorf("examples/fastapi/tokens.py has no such part:\n%s", block[1])
		}
	}
}
