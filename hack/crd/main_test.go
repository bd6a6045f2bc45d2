package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestFirstSentence(t *testing.T) {
	for text, want := range map[string]string{
		"Name of the port.":                           "Name of the port.",
		"name of the port. It is unique.":             "name of the port.",
		"path of the file\non a node. \"/\" is none.": "path of the file on a node.",
		"A metric (e.g. CPU) of pods. More info":      "A metric (e.g. CPU) of pods.",
		"Any label, i.e. one. of these. Or all.":      "Any label, i.e. one. of these.",
		"Required. A list of terms. At least one.":    "Required. A list of terms.",
		"A paragraph without an end\n\nAnother. One":  "A paragraph without an end",
		"See spec.nodeName for more. `a` is b.":       "See spec.nodeName for more.",
	} {
		if got := firstSentence(text); got != want {
			t.Errorf("firstSentence(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestShortenKeepsCommentsOfThisRepository(t *testing.T) {
	own := "name of the app. It is unique."
	schema := map[string]any{"description": own, "properties": map[string]any{
		"description": map[string]any{"type": "string", "description": "text for\npeople. Any."}, // a property of this name
		"rules":       []any{map[string]any{"description": "a rule. Or none."}},
	}}
	shorten(schema, map[string]bool{own: true})
	want := map[string]any{"description": own, "properties": map[string]any{
		"description": map[string]any{"type": "string", "description": "text for people."},
		"rules":       []any{map[string]any{"description": "a rule."}},
	}}
	if !reflect.DeepEqual(schema, want) {
		t.Errorf("got %v, want %v", schema, want)
	}
}

// TestKubectlApplyTakesTheCRD holds the CRD below the 262,144 bytes that kubectl stores in an annotation, with room for new fields.
func TestKubectlApplyTakesTheCRD(t *testing.T) {
	const limit = 200_000
	text, err := yaml.YAMLToJSON(readCRD(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > limit {
		t.Errorf("the CRD has %d bytes as JSON, want at most %d: shorten the descriptions of new fields", len(text), limit)
	}
}

// TestOwnFieldsAreDescribedInFull finds the comment of each field of the API in the CRD, as kubectl explain shows it.
func TestOwnFieldsAreDescribedInFull(t *testing.T) {
	var crd any
	if err := yaml.Unmarshal(readCRD(t), &crd); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	collect(crd, described)
	fields := 0
	for name, comment := range apiFields(t) {
		fields++
		if !described[comment] {
			t.Errorf("the CRD does not have the whole comment of field %s: %s", name, comment)
		}
	}
	if fields < 100 {
		t.Errorf("%d fields found, expected 100 and more", fields)
	}
}

func readCRD(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../config/crd/todoapp.dev_todoapps.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// collect adds each description below a node.
func collect(node any, described map[string]bool) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if text, is := value.(string); is && key == "description" {
				described[words(text)] = true
			}
			collect(value, described)
		}
	case []any:
		for _, item := range node {
			collect(item, described)
		}
	}
}

// apiFields returns the comments of the API's fields that have a name in JSON.
func apiFields(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../api/v1alpha1/*_types.go")
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if field, is := node.(*ast.Field); is && field.Tag != nil && field.Doc != nil &&
				len(field.Names) > 0 && !strings.Contains(field.Tag.Value, `"-"`) {
				comments[filepath.Base(path)+" "+field.Names[0].Name] = description(field.Doc)
			}
			return true
		})
	}
	return comments
}
