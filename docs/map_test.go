package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// named matches the folders in the first cell of a row of the table of packages.
var named = regexp.MustCompile("`([^`]+)`")

// listed returns the first cells of the table below a heading, each cut into the names that it quotes.
func listed(t *testing.T, page, heading string) []string {
	t.Helper()
	_, chapter, found := strings.Cut(page, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the page has no chapter %q", heading)
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	var names []string
	for line := range strings.Lines(chapter) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, name := range named.FindAllStringSubmatch(cells[1], -1) {
				names = append(names, name[1])
			}
		}
	}
	return names
}

// TestEveryPackageIsInTheArchitecture fails if the table of packages lacks a folder with Go files, or lists one that does
// not exist. The programs below hack are covered by the row of their folder.
func TestEveryPackageIsInTheArchitecture(t *testing.T) {
	names := listed(t, pages(t)["architecture.md"], "Packages")
	for _, name := range names {
		if _, err := os.Stat(filepath.Join("..", name)); err != nil {
			t.Errorf("the table lists %s: %v", name, err)
		}
	}
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "bin" || path == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		if parts := strings.Split(folder, "/"); parts[0] == "hack" && len(parts) > 1 {
			folder = strings.Join(parts[:2], "/")
		}
		if strings.HasSuffix(path, ".go") && folder != "." && !slices.Contains(names, folder) {
			t.Errorf("the table of packages lacks %s", folder)
			names = append(names, folder) // once for each folder
		}
		return nil
	})
	if err != nil || len(names) < 20 {
		t.Errorf("the table lists %d folders, expected 20 or more: %v", len(names), err)
	}
}

// TestEveryDecisionIsInTheIndex fails if a record is missing from the index of decisions. Links of the index to records
// that do not exist fail in TestLinksLeadSomewhere.
func TestEveryDecisionIsInTheIndex(t *testing.T) {
	index, records := pages(t)["decisions/README.md"], 0
	for name := range pages(t) {
		record, inFolder := strings.CutPrefix(name, "decisions/")
		if !inFolder || record == "README.md" {
			continue
		}
		if records++; !strings.Contains(index, "]("+record+")") {
			t.Errorf("decisions/README.md does not list %s", record)
		}
	}
	if records < 10 {
		t.Errorf("%d records found, expected 10 or more", records)
	}
}
