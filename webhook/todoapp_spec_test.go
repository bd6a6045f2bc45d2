package webhook

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

var sourceCases = map[string]todoAppCase{
	"good": {app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA)},
	"does not exist yet": {
		app: todoApp(sourceRef("vault", "key")), warning: `Secret "vault" does not exist yet`,
	},
	"no such entry": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault other " + secretA),
		want: `weak-source spec.auth.source.secretRef.key: Secret "vault" has no entry "key"`,
	},
	"empty entry": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key "),
		want: `weak-source spec.auth.source.secretRef: entry "key" of Secret "vault" is empty`,
	},
	"short": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA[1:]),
		want: `weak-source spec.auth.source.secretRef: entry "key" of Secret "vault" is too short`,
	},
	"regular": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + strings.Repeat("ab", 32)),
		want: `weak-source spec.auth.source.secretRef: entry "key" of Secret "vault" is too regular`,
	},
	"Better Auth's default": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key better-auth-secret-12345678901234567890"),
		want: `weak-source spec.auth.source.secretRef: entry "key" of Secret "vault" is a well-known placeholder`,
	},
	"comma": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA + ",x"),
		want: `weak-source spec.auth.source.secretRef: entry "key" of Secret "vault" has a comma, line break`,
	},
	"trailing newline": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA + "\n"), want: "weak-source",
	},
	"by an update": {
		old: todoApp(), app: todoApp(sourceRef("vault", "key")), found: holding("vault key short"), want: "weak-source",
	},
	"another entry by an update": {
		old: todoApp(sourceRef("vault", "old")), app: todoApp(sourceRef("vault", "key")),
		found: holding("vault key short"), want: "weak-source",
	},
	"left as it was beside another reference": {
		old: todoApp(sourceRef("vault", "key")), app: todoApp(sourceRef("vault", "key"), frontendRef("web")),
		found: holding("vault key short"),
	},
	"the source of another app, which is not said to be weak": {
		app: todoApp(sourceRef("b", "key")), found: holding("b key short").owned("b", "team-b"),
		want: "foreign-secret spec.auth.source.secretRef.name",
	},
	"the source of another app, which is not said to lack the entry": {
		app: todoApp(sourceRef("b", "key")), found: holding("b").owned("b", "team-b"),
		want: "foreign-secret spec.auth.source.secretRef.name",
	},
	"left as it was": {
		old: todoApp(sourceRef("vault", "key")), app: todoApp(sourceRef("vault", "key"), sqlite),
		found: holding("vault key short"),
	},
}

var envCases = map[string]todoAppCase{
	"a variable of its own": {app: todoApp(frontendEnv(corev1.EnvVar{Name: "LOG_LEVEL", Value: "debug"}))},
	"a reserved variable": {
		app:  todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_SECRET", Value: "x"})),
		want: "reserved-variable spec.frontend.env[BETTER_AUTH_SECRET]: the operator sets BETTER_AUTH_SECRET itself",
	},
	"a reserved variable of the backend": {
		app:  todoApp(backendEnv(corev1.EnvVar{Name: "BETTER_AUTH_SECRETS", Value: "x"})),
		want: "reserved-variable spec.backend.env[BETTER_AUTH_SECRETS]: the operator sets BETTER_AUTH_SECRETS itself",
	},
	"a reserved variable from a Secret": {
		app: todoApp(backendEnv(fromSecretKey("BETTER_AUTH_SECRET", "x", "y"))), want: "reserved-variable",
	},
	"key version": {app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_KEY_VERSION"})),
		want: "reserved-variable"},
	"cookie versions": {app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_COOKIE_VERSIONS"})),
		want: "reserved-variable"},
	"legacy secret": {app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_LEGACY_SECRET"})),
		want: "reserved-variable"},
	"url": {app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_URL"})), want: "reserved-variable"},
	"a name that only begins like one": {
		app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_SECRET_HINT", Value: "x"})),
	},
	"under another name": {
		app:  todoApp(frontendEnv(fromSecretKey("MY_SECRET", "other", "BETTER_AUTH_SECRET"))),
		want: "reserved-variable spec.frontend.env[MY_SECRET]: MY_SECRET reads BETTER_AUTH_SECRET",
	},
	"under another name from a ConfigMap": {
		app:  todoApp(backendEnv(fromConfigMapKey("MY_SECRETS", "other", "BETTER_AUTH_SECRETS"))),
		want: "reserved-variable spec.backend.env[MY_SECRETS]: MY_SECRETS reads BETTER_AUTH_SECRETS",
	},
	"the keyring": {
		app:  todoApp(backendEnv(fromSecretKey("RING", "team-a-keyring", "keyring.json"))),
		want: `reserved-variable spec.backend.env[RING]: RING reads Secret "team-a-keyring"`,
	},
	"the other side's Secret": {
		app:  todoApp(frontendRef("web"), backendEnv(fromSecretKey("X", "web", "x"))),
		want: `reserved-variable spec.backend.env[X]: X reads Secret "web"`,
	},
	"another entry of another Secret": {
		app: todoApp(backendEnv(fromSecretKey("API_KEY", "other", "API_KEY"), fromConfigMapKey("C", "other", "c"))),
	},
	"another app's keyring": {
		app:   todoApp(backendEnv(fromSecretKey("RING", "b", "keyring.json"))),
		found: holding("b keyring.json "+secretA).owned("b", "team-b"),
		want:  `reserved-variable spec.backend.env[RING]: RING reads Secret "b", which holds keys of TodoApp "team-b": use another`,
	},
	"a Secret that another app let go of": {
		app:   todoApp(frontendEnv(fromSecretKey("X", "b", "x"))),
		found: holding("b").owned("b", "team-b").changed("b", func(s *corev1.Secret) { s.OwnerReferences = nil }),
		want:  "reserved-variable spec.frontend.env[X]",
	},
	"nobody's Secret": {app: todoApp(frontendEnv(fromSecretKey("X", "b", "x"))), found: holding("b x y")},
	"the frontend's database in the keyring": {
		app:  todoApp(frontendDatabase("team-a-keyring", "keyring.json")),
		want: `reserved-variable spec.frontend.database.urlSecretRef: DATABASE_URL reads Secret "team-a-keyring"`,
	},
	"the backend's database in a side's Secret": {
		app:  todoApp(backendDatabase("team-a-frontend-auth", "x")),
		want: "reserved-variable spec.backend.storage.postgres.urlSecretRef",
	},
	"a database in another app's keyring": {
		app:   todoApp(backendDatabase("b", "keyring.json")),
		found: holding("b").owned("b", "team-b"),
		want: `reserved-variable spec.backend.storage.postgres.urlSecretRef: ` +
			`DATABASE_URL reads Secret "b", which holds keys of TodoApp "team-b"`,
	},
	"a database in a reserved entry": {
		app:  todoApp(frontendDatabase("db", "BETTER_AUTH_SECRET")),
		want: "reserved-variable spec.frontend.database.urlSecretRef: DATABASE_URL reads BETTER_AUTH_SECRET",
	},
	"databases": {
		app:   todoApp(frontendDatabase("db", "DATABASE_URL"), backendDatabase("db", "DATABASE_URL")),
		found: holding("db DATABASE_URL x"),
	},
	"the Ingress with the keyring": {
		app:  todoApp(ingressTLS("team-a-keyring")),
		want: `reserved-variable spec.ingress.tlsSecretName: the Ingress reads Secret "team-a-keyring"`,
	},
	"the Ingress with another app's Secret": {
		app: todoApp(ingressTLS("b")), found: holding("b").owned("b", "team-b"),
		want: "reserved-variable spec.ingress.tlsSecretName",
	},
	"the Ingress": {app: todoApp(ingressTLS("tls")), found: holding("tls tls.crt x")},
	"what is delivered comes to be a side's": {
		old: todoApp(backendDatabase("db", "url")), app: todoApp(backendDatabase("db", "url"), frontendRef("db")),
		want: "reserved-variable spec.backend.storage.postgres.urlSecretRef",
	},
	"the source under another name": {
		app:   todoApp(sourceRef("vault", "key"), backendEnv(fromSecretKey("JWT_SECRET", "vault", "key"))),
		found: holding("vault key " + secretA),
		want:  "reserved-variable spec.backend.env[JWT_SECRET]: JWT_SECRET reads the source, whose",
	},
	"the source for the frontend, before it exists": {
		app:  todoApp(sourceRef("vault", "key"), frontendEnv(fromSecretKey("JWT_SECRET", "vault", "key"))),
		want: "reserved-variable spec.frontend.env[JWT_SECRET]", warning: "does not exist yet",
	},
	"the source for a database": {
		app:   todoApp(sourceRef("vault", "key"), frontendDatabase("vault", "key")),
		found: holding("vault key " + secretA), want: "reserved-variable spec.frontend.database.urlSecretRef",
	},
	"what is delivered comes to be the source": {
		old:   todoApp(backendEnv(fromSecretKey("JWT_SECRET", "vault", "key"))),
		app:   todoApp(sourceRef("vault", "key"), backendEnv(fromSecretKey("JWT_SECRET", "vault", "key"))),
		found: holding("vault key " + secretA), want: "reserved-variable spec.backend.env[JWT_SECRET]",
	},
	"another entry of the source": {
		app:   todoApp(sourceRef("vault", "key"), backendEnv(fromSecretKey("API_KEY", "vault", "api-key"))),
		found: holding("vault key " + secretA),
	},
	"the same entry of another Secret": {
		app:   todoApp(sourceRef("vault", "key"), backendEnv(fromSecretKey("API_KEY", "other", "key"))),
		found: holding("vault key " + secretA),
	},
	"a ConfigMap called as the source": {
		app:   todoApp(sourceRef("vault", "key"), backendEnv(fromConfigMapKey("API_KEY", "vault", "key"))),
		found: holding("vault key " + secretA),
	},
	"a field": {
		app: todoApp(backendEnv(corev1.EnvVar{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}})),
	},
}

func longName(app *todov1.TodoApp) { app.Name = strings.Repeat("a", 60) }

var specCases = map[string]todoAppCase{
	"the shortened keyring name of a long name": {
		app:  todoApp(longName, func(app *todov1.TodoApp) { frontendRef(desired.Keyring(app))(app) }),
		want: "invalid-spec metadata.name: Secret",
	},
	"a long name": {app: todoApp(longName)},

	"sqlite to postgres": {
		old: todoApp(sqlite), app: todoApp(postgres),
		want: "storage-change spec.backend.storage: sqlite to postgres leaves the tasks behind: " +
			"to do it, annotate todoapp.dev/allow-storage-change=true",
	},
	"the default to postgres": {old: todoApp(), app: todoApp(postgres), want: "storage-change"},
	"postgres to sqlite":      {old: todoApp(postgres), app: todoApp(sqlite), want: "storage-change"},
	"postgres to the default": {
		old: todoApp(postgres), app: todoApp(),
		want: "storage-change spec.backend.storage: postgres to sqlite",
	},
	"permitted": {
		old: todoApp(), app: todoApp(postgres, annotated(todov1.AnnotationAllowStorageChange, "true")),
	},
	"permitted otherwise": {
		old: todoApp(), app: todoApp(postgres, annotated(todov1.AnnotationAllowStorageChange, "yes")),
		want: "storage-change",
	},
	"the default to sqlite":          {old: todoApp(), app: todoApp(sqlite)},
	"an image of its own to sqlite":  {old: todoApp(ownImage), app: todoApp(ownImage, sqlite)},
	"an image of its own to another": {old: todoApp(ownImage), app: todoApp(ownImage, postgres)},
	"sqlite to none, the first of two steps": {
		old: todoApp(), app: todoApp(ownImage),
		want: "storage-change spec.backend.storage: sqlite to none leaves the tasks behind",
	},
	"postgres to none": {old: todoApp(ownImage, postgres), app: todoApp(ownImage), want: "storage-change"},
	"sqlite to none, permitted": {
		old: todoApp(), app: todoApp(ownImage, annotated(todov1.AnnotationAllowStorageChange, "true")),
	},
	"an image of its own with the storage that was": {old: todoApp(), app: todoApp(ownImage, sqlite)},
	"none stays none": {old: todoApp(ownImage), app: todoApp(ownImage, frontendRef("web"))},
	"a creation":      {app: todoApp(postgres)},

	"url https":          {app: todoApp(frontendURL("https://todo.example.com"))},
	"url http":           {app: todoApp(frontendURL("http://todo.example.com")), warning: "spec.frontend.url: http sends"},
	"url localhost":      {app: todoApp(frontendURL("http://localhost:3000"))},
	"url of a subdomain": {app: todoApp(frontendURL("http://todo.localhost"))},
	"url loopback":       {app: todoApp(frontendURL("http://127.0.0.1:3000"))},
	"url IPv6 loopback":  {app: todoApp(frontendURL("http://[::1]:3000"))},
	"url like localhost": {app: todoApp(frontendURL("http://localhost.example.com")), warning: "http sends"},
}
