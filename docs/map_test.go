package docs_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is the path that the imports of this module begin with.
const module = "github.com/todoapp-operator/todoapp-operator/"

// quoted matches a name in backquotes.
var quoted = regexp.MustCompile("`([^`]+)`")

// names returns the names in backquotes.
func names(cell string) []string {
	var found []string
	for _, name := range quoted.FindAllStringSubmatch(cell, -1) {
		found = append(found, name[1])
	}
	return found
}

// rows returns the cells of each row of the table below a heading, without the row of headings.
func rows(t *testing.T, heading string) [][]string {
	t.Helper()
	_, chapter, found := strings.Cut(pages(t)["architecture.md"], "\n## "+heading+"\n")
	if !found {
		t.Fatalf("architecture.md has no chapter %q", heading)
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	var all [][]string
	for line := range strings.Lines(chapter) {
		if cells := strings.Split(strings.TrimSpace(line), "|"); len(cells) == 5 {
			all = append(all, cells[1:4])
		}
	}
	if len(all) < 3 {
		t.Fatalf("chapter %q has no table of three columns", heading)
	}
	return all[2:]
}

// imports returns the packages of this module that the Go files at a path import, without tests.
func imports(t *testing.T, path string) []string {
	t.Helper()
	files := []string{filepath.Join("..", path)}
	if !strings.HasSuffix(path, ".go") {
		found, err := filepath.Glob(filepath.Join("..", path, "*.go"))
		if err != nil || len(found) == 0 {
			t.Fatalf("finding the files of %s: %v, %d of them", path, err, len(found))
		}
		files = found
	}
	var all []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range parsed.Imports {
			name, own := strings.CutPrefix(strings.Trim(imported.Path.Value, `"`), module)
			if own && !strings.HasSuffix(file, "_test.go") {
				all = append(all, name)
			}
		}
	}
	return all
}

// TestImportsAreThoseOfTheArchitecture fails if a package imports a package of this module that its row does not allow. A
// name in a row allows the packages below it, too.
func TestImportsAreThoseOfTheArchitecture(t *testing.T) {
	var above []string
	checked := 0
	for _, row := range rows(t, "Packages") {
		allowed := names(row[2])
		switch text := strings.TrimSpace(row[2]); {
		case text == "–" || text == "anything":
			continue
		case text == "the rows above":
			allowed = above
		case text != "nothing" && len(allowed) == 0:
			t.Errorf("the last cell names no package: %s", text)
		}
		for _, folder := range names(row[0]) {
			for _, imported := range imports(t, folder) {
				checked++
				below := func(name string) bool { return imported == name || strings.HasPrefix(imported, name+"/") }
				if !slices.ContainsFunc(allowed, below) {
					t.Errorf("%s imports %s; architecture.md allows %s", folder, imported, strings.TrimSpace(row[2]))
				}
			}
			above = append(above, folder)
		}
	}
	if checked < 40 {
		t.Errorf("%d imports checked, expected 40 or more", checked)
	}
}

// TestFilesOfTheArchitectureExist fails if the table of changes names a file that does not exist. Names without a slash
// belong to the folder that is named before them.
func TestFilesOfTheArchitectureExist(t *testing.T) {
	count := 0
	for _, row := range rows(t, "Where a change goes") {
		for _, cell := range row[1:] {
			for _, name := range names(cell) {
				if !strings.Contains(name, "/") {
					continue
				}
				count++
				if found, err := filepath.Glob(filepath.Join("..", name)); err != nil || len(found) == 0 {
					t.Errorf("architecture.md names %s, which does not exist", name)
				}
			}
		}
	}
	if count < 20 {
		t.Errorf("%d files found, expected 20 or more", count)
	}
}

// TestEveryPackageIsInTheArchitecture fails if the table of packages lacks a folder with Go files, or lists one that does
// not exist. The programs below hack are covered by the row of their folder.
func TestEveryPackageIsInTheArchitecture(t *testing.T) {
	var listed []string
	for _, row := range rows(t, "Packages") {
		listed = append(listed, names(row[0])...)
	}
	for _, name := range listed {
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
		if strings.HasSuffix(path, ".go") && folder != "." && !slices.Contains(listed, folder) {
			t.Errorf("the table of packages lacks %s", folder)
			listed = append(listed, folder) // once for each folder
		}
		return nil
	})
	if err != nil || len(listed) < 20 {
		t.Errorf("the table lists %d folders, expected 20 or more: %v", len(listed), err)
	}
}

// TestEveryPageIsLinkedFromTheReadme fails if a reader of README.md cannot reach a page of this folder with one click.
func TestEveryPageIsLinkedFromTheReadme(t *testing.T) {
	readme := pages(t)["../README.md"]
	for name := range pages(t) {
		if !strings.Contains(name, "/") && !strings.Contains(readme, "](docs/"+name+")") {
			t.Errorf("README.md does not link to docs/%s", name)
		}
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
