package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// hub is the prefix of the annotations that Artifact Hub reads.
const hub = "artifacthub.io/"

// change is an entry of the annotation about changes.
type change struct {
	Kind        string `json:"kind"`
	Description string `json:"description"`
	Links       []link `json:"links,omitempty"`
}

type link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// describe sets the versions in Chart.yaml, and the annotations for Artifact Hub that only a release knows: the image, the
// changes, and whether the release is a trial or has security fixes.
func (r release) describe(chart, digest string) (string, error) {
	all := map[string]any{}
	if err := yaml.Unmarshal([]byte(chart), &all); err != nil {
		return "", fmt.Errorf("decoding the metadata: %w", err)
	}
	annotations, ok := all["annotations"].(map[string]any)
	if !ok {
		return "", fmt.Errorf("the metadata has no annotations: %v", all["annotations"])
	}
	changelog, err := os.ReadFile(filepath.Join(r.root, "CHANGELOG.md"))
	if err != nil {
		return "", fmt.Errorf("reading the changes: %w", err)
	}
	changes, err := r.hubChanges(string(changelog))
	if err != nil {
		return "", err
	}
	if err := r.annotate(annotations, changes, digest); err != nil {
		return "", err
	}
	all["version"], all["appVersion"] = r.version, r.version
	text, err := yaml.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("encoding the metadata: %w", err)
	}
	return string(text), nil
}

// annotate adds the annotations of the release.
func (r release) annotate(annotations map[string]any, changes []change, digest string) error {
	var platforms []string
	for _, architecture := range architectures {
		platforms = append(platforms, "linux/"+architecture)
	}
	images := []any{map[string]any{
		"name": operator, "image": r.imageName() + ":" + r.version + "@" + digest, "platforms": platforms,
	}}
	for name, value := range map[string]any{"images": images, "changes": changes} {
		text, err := yaml.Marshal(value)
		if err != nil {
			return fmt.Errorf("encoding the annotation %s: %w", name, err)
		}
		annotations[hub+name] = string(text)
	}
	annotations[hub+"prerelease"] = strconv.FormatBool(strings.Contains(r.version, "-"))
	annotations[hub+"containsSecurityUpdates"] = strconv.FormatBool(
		slices.ContainsFunc(changes, func(c change) bool { return c.Kind == "security" }))
	return nil
}

var (
	entry = regexp.MustCompile(`(?m)^- .*(\n  .*)*`)
	// reference matches a link of Markdown.
	reference = regexp.MustCompile(`\[([^]]+)\]\(([^)]+)\)`)
)

// hubChanges returns the changes of the version in the list of changes. Artifact Hub knows their kinds, which are the headings.
func (r release) hubChanges(changelog string) ([]change, error) {
	chapter, err := changesOf(changelog, r.version)
	if err != nil {
		return nil, err
	}
	var all []change
	for _, section := range strings.Split("\n"+chapter, "\n### ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		kind := strings.ToLower(strings.TrimSpace(title))
		if !slices.Contains([]string{"added", "changed", "deprecated", "removed", "fixed", "security"}, kind) {
			return nil, fmt.Errorf("the heading %q of the changes is no kind of change: use Added, Changed, Deprecated, Removed, "+
				"Fixed or Security", title)
		}
		for _, found := range entry.FindAllString(text, -1) {
			words := strings.Join(strings.Fields(strings.TrimPrefix(found, "-")), " ")
			c := change{Kind: kind, Description: reference.ReplaceAllString(words, "$1")}
			for _, target := range reference.FindAllStringSubmatch(words, -1) {
				c.Links = append(c.Links, link{Name: target[1], URL: r.absolute(target[2])})
			}
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("version %s has no changes in CHANGELOG.md", r.version)
	}
	return all, nil
}

// absolute returns the address of a page of the repository as it is in this release.
func (r release) absolute(target string) string {
	if strings.Contains(target, "://") {
		return target
	}
	return r.source + "/blob/v" + r.version + "/" + target
}
