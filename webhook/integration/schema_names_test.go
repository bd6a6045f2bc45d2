package integration_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestSchemaNames(t *testing.T) {
	for name, want := range map[string]string{
		"a": "", "team-a": "", strings.Repeat("a", 63): "",
		strings.Repeat("a", 64): "metadata.name must be at most 63", "1team": "begin with a letter", "team.a": "metadata.name",
	} {
		err := admin.Create(t.Context(), app(name, "{}"), client.DryRunAll)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}
