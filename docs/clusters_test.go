package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestClusterTable fails if the chart rejects the values that a row of the table of clusters names, or the rows are gone.
func TestClusterTable(t *testing.T) {
	_, table, _ := strings.Cut(file(t, "install.md"), "### Where your cluster runs")
	table, _, _ = strings.Cut(table, "\n#")
	rows := regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \| (none|`+"`[^`]+`"+`) \|$`).FindAllStringSubmatch(table, -1)
	if lines := strings.Count(table, "\n| ") - 2; len(rows) != lines || lines < 7 {
		t.Fatalf("%d rows of %d name their values", len(rows), lines)
	}
	for _, row := range rows {
		values := strings.Trim(row[2], "`")
		if values == "none" {
			values = "{}"
		}
		path := filepath.Join(t.TempDir(), "values.yaml")
		if err := os.WriteFile(path, []byte(values), 0o600); err != nil {
			t.Fatal(err)
		}
		render := exec.CommandContext(t.Context(), "../bin/helm", "template", "todoapp-operator", "../charts/todoapp-operator",
			"--namespace=todoapp-system", "--values="+path)
		if output, err := render.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", row[1], err, output)
		}
	}
}
