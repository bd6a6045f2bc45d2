package main

import (
	"encoding/json"
	"regexp"
	"testing"
)

// TestTheEmbeddedPackageIsListed adds the embedded package to a list of modules, and expects its version, its licence and the
// checksum that npm verifies.
func TestTheEmbeddedPackageIsListed(t *testing.T) {
	added, err := release{root: "../.."}.embeddedComponent()
	must(t, err)
	listed, err := withComponent([]byte(`{"bomFormat":"CycloneDX","components":[{"name":"example.com/module"}]}`), added)
	must(t, err)
	var list struct {
		BOMFormat  string
		Components []component
	}
	must(t, json.Unmarshal(listed, &list))
	if list.BOMFormat != "CycloneDX" || len(list.Components) != 2 || list.Components[0].Name != "example.com/module" {
		t.Fatalf("the list has lost its content: %s", listed)
	}
	got := list.Components[1]
	if !regexp.MustCompile(`^pkg:npm/swagger-ui-dist@\d+\.\d+\.\d+$`).MatchString(got.PURL) || got.Type != "library" ||
		len(got.Hashes) != 1 || len(got.Hashes[0].Content) != 128 ||
		len(got.Licenses) != 1 || got.Licenses[0].License.ID != "Apache-2.0" {
		t.Errorf("the list describes the package as %+v", got)
	}
	if _, err := withComponent([]byte(`{"bomFormat":"CycloneDX"}`), added); err == nil {
		t.Error("a list without components is accepted")
	}
}
