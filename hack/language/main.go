// Command language counts how plainly the comments of Go code are written, and prints each figure with its target.
//
//	go run ./hack/language [-tests] [DIRECTORY ...]
//
// It skips generated files, and tests unless -tests is set. It always exits with 0: the figures are a guide, not a linter.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	tests := flag.Bool("tests", false, "count tests too")
	flag.Parse()
	directories := flag.Args()
	if len(directories) == 0 {
		directories = []string{"."}
	}
	var all comments
	for _, directory := range directories {
		if err := all.addDirectory(directory, *tests); err != nil {
			fmt.Fprintln(os.Stderr, "language:", err)
			os.Exit(1)
		}
	}
	fmt.Print(all.report())
}

// comments collects the comments of Go files.
type comments struct {
	text strings.Builder
	// functions counts the functions that have a comment; nouns counts the comments of the form "X is …".
	functions, nouns int
}

var skipped = map[string]bool{".git": true, "bin": true, "node_modules": true, "testdata": true}

func (c *comments) addDirectory(root string, tests bool) error {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skipped[entry.Name()]:
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") && !tests:
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a file: %w", err)
		}
		return c.addFile(path, source)
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", root, err)
	}
	return nil
}

var (
	directive = regexp.MustCompile(`^(\+kubebuilder|go:|nolint|line )`)
	nounForm  = regexp.MustCompile(`^(is|are|was|were|has|have)\b`)
)

func (c *comments) addFile(name string, source []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parsing a file: %w", err)
	}
	if ast.IsGenerated(file) {
		return nil
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			text := strings.TrimSpace(strings.TrimPrefix(comment.Text, "//"))
			if !directive.MatchString(text) {
				c.text.WriteString(text + " ")
			}
		}
	}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Doc == nil {
			continue
		}
		c.functions++
		rest := strings.TrimPrefix(function.Doc.Text(), function.Name.Name+" ")
		if nounForm.MatchString(rest) {
			c.nouns++
		}
	}
	return nil
}

var word = regexp.MustCompile(`[A-Za-z']+`)

// figures are counted per 10,000 words; target says which value is wanted.
var figures = []struct {
	name, target string
	pattern      *regexp.Regexp
}{
	{`"if"`, "at least 40", regexp.MustCompile(`(?i)\bif\b`)},
	{`"what is", "what they", …`, "at most 1", regexp.MustCompile(`(?i)\bwhat (is|it|they|was|are|were|has)\b`)},
	{`"one that", "those that", "that one"`, "at most 5", regexp.MustCompile(`(?i)\b(one|those) that\b|\bthat one\b`)},
	{`"look" for "reconcile" or "read"`, "at most 2", regexp.MustCompile(
		`(?i)\b(a|the|one|each|every|first|second|next|live) looks?\b|\blooks? (at|after|again)\b|\blooked (at|after)\b`)},
	{`"stand"`, "at most 2", regexp.MustCompile(`(?i)\bstands?\b`)},
	{`"nobody", "somebody", "whoever", "whatever"`, "at most 4", regexp.MustCompile(`(?i)\b(nobody|somebody|whoever|whatever)\b`)},
}

// report returns the figures as a table.
func (c *comments) report() string {
	var report strings.Builder
	text := c.text.String()
	words := max(1, len(word.FindAllString(text, -1)))
	fmt.Fprintf(&report, "%d words of comment, %d functions with a comment\n\n", words, c.functions)
	share := 100 * float64(c.nouns) / float64(max(1, c.functions))
	fmt.Fprintf(&report, "%6.1f %%  %-46s at most 8\n", share, `function comments of the form "X is …"`)
	fmt.Fprintf(&report, "\nper 10,000 words:\n")
	for _, figure := range figures {
		count := len(figure.pattern.FindAllString(text, -1))
		fmt.Fprintf(&report, "%6.1f    %-46s %s\n", 10000*float64(count)/float64(words), figure.name, figure.target)
	}
	return report.String()
}
