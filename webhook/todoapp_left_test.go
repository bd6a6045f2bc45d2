package webhook

import (
	"slices"
	"testing"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// Whoever reads a Secret that an app lets go of is told before the operator deletes it.
func TestSecretsThatAreLetGoOfAreWarnedAbout(t *testing.T) {
	frontend := `spec.frontend.secretRef.name: Secret "web" is deleted if the operator owns it: point workloads that read it to `
	backend := `spec.backend.secretRef.name: Secret "team-a-backend-auth" is deleted if the operator owns it: ` +
		`point workloads that read it to "api"`
	for name, c := range map[string]struct {
		old, app *todov1.TodoApp
		want     []string
	}{
		"a creation":         {nil, todoApp(frontendRef("web")), nil},
		"renamed":            {todoApp(frontendRef("web")), todoApp(frontendRef("other")), []string{frontend + `"other"`}},
		"renamed to default": {todoApp(frontendRef("web")), todoApp(), []string{frontend + `"team-a-frontend-auth"`}},
		"the backend's":      {todoApp(), todoApp(backendRef("api")), []string{backend}},
		"both": {todoApp(frontendRef("web")), todoApp(frontendRef("other"), backendRef("api")),
			[]string{frontend + `"other"`, backend}},
		"swapped":        {todoApp(frontendRef("web"), backendRef("api")), todoApp(frontendRef("api"), backendRef("web")), nil},
		"named as it is": {todoApp(), todoApp(frontendRef("team-a-frontend-auth")), nil},
		"another source": {todoApp(sourceRef("a", "key")), todoApp(), nil},
		"refused":        {todoApp(frontendRef("web"), postgres), todoApp(frontendRef("other")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := todoAppValidator{&reads{}, &reads{}}.validate(t.Context(), c.old, c.app)
			if !slices.Equal(got, c.want) || (err != nil) != (name == "refused") {
				t.Errorf("warned %q, %v, want %q", got, err, c.want)
			}
		})
	}
}
