package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// issueForm holds the fields of an issue form of GitHub. A field that it lacks is an error.
type issueForm struct {
	Name, Description string
	Labels            []string
	Body              []struct {
		Type, ID   string
		Attributes struct {
			Label, Description, Value, Render string
			Options                           []string
		}
		Validations struct{ Required bool }
	}
}

const issueForms = "../.github/ISSUE_TEMPLATE/"

// TestIssueForms fails if GitHub would not show a form: a field is unknown, an id is missing or used twice, or a list is empty.
func TestIssueForms(t *testing.T) {
	names, err := filepath.Glob(issueForms + "*.yml")
	if err != nil || len(names) < 3 {
		t.Fatalf("finding the forms: %v, %q", err, names)
	}
	for _, name := range names {
		if filepath.Base(name) == "config.yml" {
			continue
		}
		var form issueForm
		if err := yaml.UnmarshalStrict([]byte(file(t, name)), &form); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if form.Name == "" || form.Description == "" || len(form.Body) == 0 {
			t.Errorf("%s lacks a name, a description or fields", name)
		}
		ids := map[string]bool{}
		for _, field := range form.Body {
			if field.Type == "markdown" {
				continue
			}
			if !slices.Contains([]string{"textarea", "input", "dropdown"}, field.Type) || field.Attributes.Label == "" ||
				field.ID == "" || ids[field.ID] || (field.Type == "dropdown") != (len(field.Attributes.Options) > 0) {
				t.Errorf("%s: the field %+v is invalid", name, field)
			}
			ids[field.ID] = true
		}
	}
}

// TestIssueLinks fails if a link beside the forms leads to no page of the repository, or blank issues bypass the forms.
func TestIssueLinks(t *testing.T) {
	var chooser struct {
		Blank bool                                `json:"blank_issues_enabled"`
		Links []struct{ Name, URL, About string } `json:"contact_links"`
	}
	if err := yaml.UnmarshalStrict([]byte(file(t, issueForms+"config.yml")), &chooser); err != nil {
		t.Fatal(err)
	}
	if chooser.Blank || len(chooser.Links) == 0 {
		t.Errorf("the forms can be bypassed: %t, or have no links: %v", chooser.Blank, chooser.Links)
	}
	const repository = "https://github.com/todoapp-operator/todoapp-operator/"
	for _, link := range chooser.Links {
		path, found := strings.CutPrefix(link.URL, repository)
		if page, isPage := strings.CutPrefix(path, "blob/main/"); isPage {
			file(t, "../"+page)
		} else if path != "security/advisories/new" {
			found = false
		}
		if !found || link.Name == "" || link.About == "" {
			t.Errorf("the link %+v is invalid", link)
		}
	}
}

// TestIssueFormsNameCommands fails if a form asks for the output of a command that does not exist.
func TestIssueFormsNameCommands(t *testing.T) {
	named := regexp.MustCompile("kubectl todoapp ([a-z]+)").FindAllStringSubmatch(file(t, issueForms+"bug.yml"), -1)
	if len(named) == 0 {
		t.Fatal("the form names no command of the plugin")
	}
	for _, command := range named {
		if !strings.Contains(file(t, "kubectl-todoapp.md"), "\n## "+command[1]+": ") {
			t.Errorf("the plugin has no command %s", command[1])
		}
	}
}
