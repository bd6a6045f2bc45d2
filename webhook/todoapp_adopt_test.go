package webhook

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func immutable(s *corev1.Secret) { s.Immutable = new(true) }

func typed(kind corev1.SecretType) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Type = kind }
}

// long is a value over 1 KiB.
var long = strings.Repeat(secretA, 33)

var writableCases = map[string]todoAppCase{
	"immutable": {
		app: todoApp(frontendRef("web")), found: holding("web").changed("web", immutable),
		want: `unwritable-secret spec.frontend.secretRef.name: Secret "web" is immutable: copy it under another name`,
	},
	"immutable, the operator's own": {
		old: todoApp(), app: todoApp(backendRef("api")), found: holding("api").owned("api", "team-a").changed("api", immutable),
		want: `unwritable-secret spec.backend.secretRef.name: Secret "api" is immutable`,
	},
	"immutable, as the keyring": {
		app: todoApp(), found: secrets{}.ring(secretA).changed("team-a-keyring", immutable),
		want: `unwritable-secret metadata.name: Secret "team-a-keyring" is immutable`,
	},
	"immutable, as the source": {
		app:   todoApp(sourceRef("vault", "key")),
		found: holding("vault key "+secretA).changed("vault", immutable),
	},
	"immutable, left as it was": {
		old: todoApp(frontendRef("web")), app: todoApp(frontendRef("web"), backendRef("api")),
		found: holding("web", "api").changed("web", immutable),
	},
	"changeable": {
		app: todoApp(frontendRef("web")), found: holding("web").changed("web", func(s *corev1.Secret) { s.Immutable = new(false) }),
	},
	"of another type": {
		app: todoApp(backendRef("tls")), found: holding("tls").changed("tls", typed(corev1.SecretTypeTLS)),
		want: `unwritable-secret spec.backend.secretRef.name: Secret "tls" has the type "kubernetes.io/tls": only Opaque can be adopted`,
	},
	"of the type Opaque": {
		app: todoApp(backendRef("api")), found: holding("api").changed("api", typed(corev1.SecretTypeOpaque)),
	},
	"with a value that is too long": {
		app: todoApp(frontendRef("web")), found: holding("web BETTER_AUTH_SECRET " + long),
		want: `unwritable-secret spec.frontend.secretRef.name: Secret "web" has a value over 1 KiB in BETTER_AUTH_SECRET`,
	},
	"with a list that has a value that is too long": {
		app: todoApp(frontendRef("web")), found: holding("web BETTER_AUTH_SECRETS 2:" + secretA + ",1:" + long),
		want: `unwritable-secret spec.frontend.secretRef.name: Secret "web" has a value over 1 KiB in BETTER_AUTH_SECRETS`,
	},
	"with a legacy value that is too long": {
		app: todoApp(frontendRef("web")), found: holding("web BETTER_AUTH_LEGACY_SECRET " + long), want: "unwritable-secret",
	},
}

// The owner of a Secret learns at the moment of its adoption what becomes of it, and that its key is weak.
func TestAdoptionsAreWarnedAbout(t *testing.T) {
	adopted := `spec.frontend.secretRef.name: Secret "web" is owned, locked and deleted with the TodoApp from now on`
	weak := `spec.frontend.secretRef.name: the key in Secret "web" is a well-known placeholder: rotate it once it is adopted`
	kept := `metadata.name: Secret "team-a-keyring" exists already: the TodoApp uses its keys`
	strong := holding("web BETTER_AUTH_SECRET " + secretA)
	placeholder := "changeme-changeme-changeme-changeme"
	for name, c := range map[string]struct {
		old, app *todov1.TodoApp
		found    secrets
		want     []string
	}{
		"a creation":         {nil, todoApp(frontendRef("web")), strong, []string{adopted}},
		"an update":          {todoApp(), todoApp(frontendRef("web")), strong, []string{adopted}},
		"left as it was":     {todoApp(frontendRef("web")), todoApp(frontendRef("web"), backendRef("api")), strong, nil},
		"the operator's own": {nil, todoApp(frontendRef("web")), holding("web").owned("web", "team-a"), nil},
		"not there":          {nil, todoApp(frontendRef("web")), nil, nil},
		"weak": {nil, todoApp(frontendRef("web")),
			holding("web BETTER_AUTH_SECRET " + placeholder), []string{adopted, weak}},
		"weak and first in its list": {nil, todoApp(frontendRef("web")),
			holding("web BETTER_AUTH_SECRETS 2:" + placeholder + ",1:" + secretA), []string{adopted, weak}},
		"weak and replaced in its list": {nil, todoApp(frontendRef("web")),
			holding("web BETTER_AUTH_SECRETS 2:" + secretA + ",1:" + placeholder), []string{adopted}},
		"without a key": {nil, todoApp(frontendRef("web")), holding("web"), []string{adopted}},
		"weak, and replaced by the app's key": {nil, todoApp(frontendRef("web"), annotated(todov1.AnnotationReplaceSecret, "web")),
			holding("web BETTER_AUTH_SECRET " + placeholder).ring(secretA), []string{kept, adopted}},
		"a keyring that was retained":  {nil, todoApp(), secrets{}.ring(secretA), []string{kept}},
		"an update beside its keyring": {todoApp(), todoApp(frontendRef("web")), secrets{}.ring(secretA), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := todoAppValidator{&reads{have: c.found}, &reads{}}.validate(t.Context(), c.old, c.app)
			got = slices.DeleteFunc(got, func(w string) bool { return strings.Contains(w, "is deleted if the operator owns it") })
			if !slices.Equal(got, c.want) || err != nil {
				t.Errorf("warned %q, %v, want %q", got, err, c.want)
			}
			for _, warning := range got {
				if len("Warning: "+warning) > 170 || strings.Contains(warning, placeholder) {
					t.Errorf("too long, or shows a secret: %s", warning)
				}
			}
		})
	}
}
