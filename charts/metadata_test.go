package charts

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// metadata holds the fields of Chart.yaml that Artifact Hub shows.
type metadata struct {
	Home, Icon  string
	Maintainers []struct{ Name, URL string }
	Annotations map[string]string
}

func chartMetadata(t *testing.T) metadata {
	t.Helper()
	var m metadata
	if err := yaml.Unmarshal(read(t, "todoapp-operator/Chart.yaml"), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// annotation decodes an annotation of the chart, whose value is YAML.
func annotation(t *testing.T, name string, into any) {
	t.Helper()
	text := chartMetadata(t).Annotations["artifacthub.io/"+name]
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("decoding the annotation %s: %v", name, err)
	}
}

// TestArtifactHubKnowsTheCRD fails if the annotation about CRDs differs from the CRD that the chart installs.
func TestArtifactHubKnowsTheCRD(t *testing.T) {
	type entry struct{ Kind, Version, Name, DisplayName, Description string }
	var entries []entry
	annotation(t, "crds", &entries)
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(read(t, "todoapp-operator/files/todoapp.dev_todoapps.yaml"), &crd); err != nil {
		t.Fatal(err)
	}
	var installed, shown []entry
	for _, version := range crd.Spec.Versions {
		installed = append(installed, entry{Kind: crd.Spec.Names.Kind, Version: version.Name, Name: crd.Name})
	}
	for _, e := range entries {
		if e.DisplayName == "" || e.Description == "" {
			t.Errorf("%s lacks a name to show, or a description", e.Name)
		}
		shown = append(shown, entry{Kind: e.Kind, Version: e.Version, Name: e.Name})
	}
	if diff := cmp.Diff(installed, shown); diff != "" {
		t.Errorf("the CRD (-) and the annotation (+) differ:\n%s", diff)
	}
}

// TestArtifactHubExamples fails if an example has a field that a TodoApp does not have.
func TestArtifactHubExamples(t *testing.T) {
	var examples []struct { // unlike a TodoApp, this type is decoded strictly
		APIVersion, Kind string
		Metadata         metav1.ObjectMeta
		Spec             v1alpha1.TodoAppSpec
	}
	annotation(t, "crdsExamples", &examples)
	if len(examples) == 0 {
		t.Fatal("there is no example")
	}
	for _, example := range examples {
		if example.APIVersion != v1alpha1.GroupVersion.String() || example.Kind != "TodoApp" || example.Metadata.Name == "" {
			t.Errorf("the example is %s %s %q", example.APIVersion, example.Kind, example.Metadata.Name)
		}
	}
}

// TestArtifactHubPage fails if the chart's page would lack a category, an icon, a maintainer or a page that it links.
func TestArtifactHubPage(t *testing.T) {
	m := chartMetadata(t)
	if len(m.Maintainers) == 0 || m.Maintainers[0].Name == "" || m.Maintainers[0].URL != m.Home {
		t.Errorf("the maintainers are %v", m.Maintainers)
	}
	categories := []string{
		"ai-machine-learning", "database", "integration-delivery", "monitoring-logging", "networking", "security", "storage",
		"streaming-messaging",
	}
	if category := m.Annotations["artifacthub.io/category"]; !slices.Contains(categories, category) {
		t.Errorf("Artifact Hub has no category %q", category)
	}
	var links []struct{ Name, URL string }
	annotation(t, "links", &links)
	if len(links) == 0 {
		t.Error("there is no link")
	}
	for _, link := range links {
		file, found := strings.CutPrefix(link.URL, m.Home+"/blob/main/")
		if !found || len(read(t, "../"+file)) == 0 {
			t.Errorf("the link %s leads to no page of the repository: %s", link.Name, link.URL)
		}
	}
	const raw = "https://raw.githubusercontent.com/todoapp-operator/todoapp-operator/main/"
	file, found := strings.CutPrefix(m.Icon, raw)
	if !found {
		t.Fatalf("the icon is not a file of the repository: %s", m.Icon)
	}
	var picture struct{ XMLName xml.Name }
	if err := xml.NewDecoder(bytes.NewReader(read(t, "../"+file))).Decode(&picture); err != nil || picture.XMLName.Local != "svg" {
		t.Errorf("the icon is no SVG: %v, %s", err, picture.XMLName.Local)
	}
}
