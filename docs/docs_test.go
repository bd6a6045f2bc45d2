// Package docs_test compares the documentation with the code and checks its links; hack/e2e runs its commands.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const chartPage = "../charts/todoapp-operator/README.md"

// pages returns the text of every page by its path: those of this folder, the decisions, the root and the chart.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names := []string{chartPage}
	for _, pattern := range []string{"*.md", "decisions/*.md", "../*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("finding %s: %v, %d pages", pattern, err, len(found))
		}
		names = append(names, found...)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

// reasons returns the values of conditions.go: condition types and their reasons.
func reasons(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		constant, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found[value] = true
		return true
	})
	return found
}

func TestEveryReasonIsInTroubleshooting(t *testing.T) {
	page, all := pages(t)["troubleshooting.md"], reasons(t)
	for value := range all {
		if !strings.Contains(page, "`"+value+"`") {
			t.Errorf("troubleshooting.md does not explain %s", value)
		}
	}
	if len(all) < 30 {
		t.Errorf("%d condition types and reasons found, expected the 30 and more of conditions.go", len(all))
	}
}

// TestEveryEventIsInTroubleshooting reads the reasons of Events from the calls that write them. Reasons that conditions share are
// constants, which another test compares.
func TestEveryEventIsInTroubleshooting(t *testing.T) {
	actions := matches(t, "../internal/keyring/*.go", `Action = "(\w+)"`)
	page, found := pages(t)["troubleshooting.md"], 0
	for _, reason := range matches(t, "../controllers/*.go", `\.event\(app, [\w.]+, "(\w+)"`) {
		all := []string{reason}
		if reason == "Key" { // the transition follows
			all = all[:0]
			for _, action := range actions {
				all = append(all, "Key"+action)
			}
		}
		for _, event := range all {
			found++
			if !strings.Contains(page, "`"+event+"`") {
				t.Errorf("troubleshooting.md does not explain the Event %s", event)
			}
		}
	}
	if found < 12 {
		t.Errorf("%d Events found, expected 12 and more", found)
	}
}

// matches returns the first group of every match in the files of a pattern.
func matches(t *testing.T, files, expression string) []string {
	t.Helper()
	names, err := filepath.Glob(files)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(expression).FindAllSubmatch(text, -1) {
			all = append(all, string(match[1]))
		}
	}
	return all
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	// dropped matches the characters that GitHub removes from a heading to form its anchor.
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		found[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	return found
}

func TestLinksLeadSomewhere(t *testing.T) {
	for name, text := range pages(t) {
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(l[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := name
			if target != "" {
				file = filepath.Join(filepath.Dir(name), target)
			}
			content, err := os.ReadFile(file)
			if info, statErr := os.Stat(file); statErr == nil && info.IsDir() {
				continue
			}
			switch {
			case err != nil:
				t.Errorf("%s links to %s: %v", name, l[1], err)
			case anchor != "" && !anchors(string(content))[anchor]:
				t.Errorf("%s links to %s: no such heading", name, l[1])
			}
		}
	}
}

// TestCommandsAreInBlocksThatAreRun fails on a command that no test would run, because its block is not marked sh. Plain
// blocks of the root's pages and of the chart's page may have commands: make targets, and commands that the pages here
// run for another app or installation. Transcripts of the plugin are compared with its golden files.
func TestCommandsAreInBlocksThatAreRun(t *testing.T) {
	fence := regexp.MustCompile("(?ms)^ *```(\\w*)[^\\n]*\\n(.*?)^ *```$")
	command := regexp.MustCompile(`(?m)^ *\$? ?(kubectl|helm|make|docker|kind|bin/\S+|hack/\S+)( |$)`)
	for name, text := range pages(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			plain := block[1] == "" && strings.HasPrefix(name, "../")
			transcript := block[1] == "console" && name == pluginPage
			if block[1] != "sh" && !plain && !transcript && command.MatchString(block[2]) {
				t.Errorf("%s has a command in a block of %q, which nothing runs:\n%s", name, block[1], block[2])
			}
		}
	}
}
