// Command crd shortens the descriptions in a CustomResourceDefinition that come from Kubernetes' own types: each keeps its first
// sentence. Descriptions of the fields of this repository stay whole. kubectl stores a whole manifest in an annotation, which must
// not exceed 262,144 bytes.
//
//	go run ./hack/crd CRD PACKAGE
//
// PACKAGE is the directory of the Go types.
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: crd CRD PACKAGE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "crd:", err)
		os.Exit(1)
	}
}

// run shortens the descriptions in a file.
func run(path, directory string) error {
	comments, err := fieldComments(directory)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the CRD: %w", err)
	}
	var crd map[string]any
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return fmt.Errorf("reading the CRD: %w", err)
	}
	shorten(crd, comments)
	if text, err = yaml.Marshal(crd); err != nil {
		return fmt.Errorf("encoding the CRD: %w", err)
	}
	if err := os.WriteFile(path, append([]byte("---\n"), text...), 0o600); err != nil {
		return fmt.Errorf("writing the CRD: %w", err)
	}
	return nil
}

// shorten cuts each description below a node to its first sentence, unless it is a comment of this repository. A property
// may have the name "description", so only texts count.
func shorten(node any, comments map[string]bool) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if text, is := value.(string); is && key == "description" && !comments[words(text)] {
				node[key] = firstSentence(text)
			}
			shorten(value, comments)
		}
	case []any:
		for _, item := range node {
			shorten(item, comments)
		}
	}
}

// sentence matches the first sentence of a text and the rest. A sentence has more than one word, unlike "Required.". It does not
// end with "e.g.", or before a small letter.
var sentence = regexp.MustCompile(`^(\S+ .*?[^.][^.]\.) [^a-z].*$`)

// firstSentence returns the first sentence of a text, or of its first paragraph.
func firstSentence(text string) string {
	paragraph, _, _ := strings.Cut(text, "\n\n")
	return sentence.ReplaceAllString(words(paragraph), "$1")
}

// words returns a text without the differences in spaces and line breaks by which a comment and a description differ.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }
