package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// fieldComments returns the comments of the types and of the fields in a directory, without markers.
func fieldComments(directory string) (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("directory %s has no Go files (%w)", directory, err)
	}
	comments := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("reading the types: %w", err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.GenDecl:
				comments[description(node.Doc)] = true
			case *ast.TypeSpec:
				comments[description(node.Doc)] = true
			case *ast.Field:
				comments[description(node.Doc)] = true
			}
			return true
		})
	}
	return comments, nil
}

// description returns a comment as controller-gen makes a description of it, without its markers.
func description(comment *ast.CommentGroup) string {
	var lines []string
	for _, line := range strings.Split(comment.Text(), "\n") {
		if !strings.HasPrefix(line, "+") {
			lines = append(lines, line)
		}
	}
	return words(strings.Join(lines, "\n"))
}
