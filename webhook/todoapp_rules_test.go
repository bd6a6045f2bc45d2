package webhook

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	secretA = "aFh3-kQ9zX_7Lw2mRt5YvB8nCj4PsD6e"
	secretB = "bGj4-mS8yW_6Kv1nQu3XzA9pHf5TrE7d"
)

// todoApp makes an app named team-a.
func todoApp(with ...func(*todov1.TodoApp)) *todov1.TodoApp {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "team-a", Namespace: "team-a"}}
	for _, f := range with {
		f(app)
	}
	return app
}

func frontendRef(name string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: name} }
}

func backendRef(name string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Backend.SecretRef = &todov1.SecretReference{Name: name} }
}

func sourceRef(name, key string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Auth.Source = &todov1.AuthSource{SecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: name}, Key: key}}
	}
}

func annotated(key, value string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { metav1.SetMetaDataAnnotation(&app.ObjectMeta, key, value) }
}

func frontendEnv(e ...corev1.EnvVar) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Frontend.Env = e }
}

func backendEnv(e ...corev1.EnvVar) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Backend.Env = e }
}

func sqlite(app *todov1.TodoApp) { app.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{} }

func postgres(app *todov1.TodoApp) { app.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{} }

func ownImage(app *todov1.TodoApp) { app.Spec.Backend.Image = "registry.example.com/api:1" }

func frontendURL(url string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) { app.Spec.Frontend.URL = url }
}

// holding makes Secrets; entries are "name entry value".
func holding(entries ...string) secrets {
	found := secrets{}
	for _, e := range entries {
		name, rest, _ := strings.Cut(e, " ")
		entry, value, _ := strings.Cut(rest, " ")
		if found[name] == nil {
			found[name] = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string][]byte{}}
		}
		if entry != "" {
			found[name].Data[entry] = []byte(value)
		}
	}
	return found
}

// ring adds the app's keyring with values, the last of which is active.
func (s secrets) ring(values ...keyring.Value) secrets {
	var ring keyring.Ring
	for i, v := range values {
		at := time.Unix(int64(i+1), 0)
		ring.Keys = append(ring.Keys, keyring.Key{Version: int64(i + 1), Value: v, CreatedAt: at, PromotedAt: at})
	}
	data, err := ring.Marshal()
	if err != nil {
		panic(err)
	}
	s["team-a-keyring"] = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "team-a-keyring"}, Data: data}
	return s.owned("team-a-keyring", "team-a")
}

// owned makes a Secret an app's.
func (s secrets) owned(name, app string) secrets {
	s[name].Labels = map[string]string{managedBy: operatorName, todov1.LabelApp: app}
	s[name].OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "todoapp.dev/v1alpha1", Kind: "TodoApp", Name: app, Controller: new(true)}}
	return s
}

func (s secrets) changed(name string, change func(*corev1.Secret)) secrets {
	change(s[name])
	return s
}

func fromSecretKey(name, secret, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}}}
}

func fromConfigMapKey(name, configMap, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: configMap}, Key: key}}}
}

// todoAppCase is one decision; want is "" for admitted, else "rule field: part of the message".
type todoAppCase struct {
	old, app *todov1.TodoApp
	found    secrets
	want     string
	warning  string
}

func check(t *testing.T, refusals field.ErrorList, warnings []string, want, warning string) {
	t.Helper()
	var got string
	if len(refusals) > 0 {
		got = refusals[0].Origin + " " + refusals[0].Field + ": " + refusals[0].Detail
	}
	if want == "" && got != "" || !strings.HasPrefix(got, want) || len(refusals) > 1 {
		t.Errorf("got  %v\nwant %q", refusals, want)
	}
	said := strings.Join(warnings, "\n")
	if warning == "" && said != "" || !strings.Contains(said, warning) {
		t.Errorf("warned %q, want %q", said, warning)
	}
	for _, line := range append(warnings, got) {
		if len(line) > 190 {
			t.Errorf("%d characters are too long for a line: %s", len(line), line)
		}
		if strings.Contains(line, secretA) || strings.Contains(line, secretB) {
			t.Errorf("shows a secret: %s", line)
		}
	}
}

func TestTodoAppRules(t *testing.T) {
	for _, cases := range []map[string]todoAppCase{
		adoptionCases, ownerCases, replacementCases, sourceCases, envCases, specCases,
	} {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				refusals, warnings := checkTodoApp(c.old, c.app, c.found)
				check(t, refusals, warnings, c.want, c.warning)
			})
		}
	}
}

var adoptionCases = map[string]todoAppCase{
	"T1 nothing exists": {app: todoApp()},
	"T1 both exist and differ": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET "+secretA, "team-a-backend-auth BETTER_AUTH_SECRET "+secretB),
		want:  `T1 spec.frontend.secretRef.name: Secrets "team-a-frontend-auth" and "team-a-backend-auth" hold different`,
	},
	"T1 both exist and agree": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET "+secretA, "team-a-backend-auth BETTER_AUTH_SECRET "+secretA),
	},
	"T1 named Secrets differ": {
		app:   todoApp(frontendRef("web"), backendRef("api")),
		found: holding("web BETTER_AUTH_SECRET "+secretA, "api BETTER_AUTH_SECRET "+secretB),
		want:  `T1 spec.frontend.secretRef.name: Secrets "web" and "api" hold different`,
	},
	"T1 named by an update": {
		old: todoApp(), app: todoApp(frontendRef("web"), backendRef("api")),
		found: holding("web BETTER_AUTH_SECRET "+secretA, "api BETTER_AUTH_SECRET "+secretB),
		want:  `T1`,
	},
	"T1 left as it was by an update": {
		old: todoApp(), app: todoApp(frontendURL("https://todo.example.com")),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET "+secretA, "team-a-backend-auth BETTER_AUTH_SECRET "+secretB),
	},
	"T1 only one exists": {
		app: todoApp(), found: holding("team-a-frontend-auth BETTER_AUTH_SECRET " + secretA),
	},
	"T1 one exists without a value": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET "+secretA, "team-a-backend-auth DATABASE_URL x"),
	},
	"T1 lists agree": {
		app: todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRETS 2:"+secretB+",1:"+secretA,
			"team-a-backend-auth BETTER_AUTH_SECRETS 2:"+secretB),
	},
	"T1 lists differ under one version": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRETS 1:"+secretA, "team-a-backend-auth BETTER_AUTH_SECRETS 1:"+secretB),
		want:  "T1",
	},
	"T1 a value that lists cannot carry": {
		app:   todoApp(),
		found: holding("team-a-frontend-auth BETTER_AUTH_SECRET " + secretA + "\n"),
		want:  "T1 spec.frontend.secretRef.name: BETTER_AUTH_SECRET of the frontend's Secret has a comma",
	},
}

var ownerCases = map[string]todoAppCase{
	"T2 frontend Secret of another": {
		app: todoApp(frontendRef("b")), found: holding("b").owned("b", "team-b"),
		want: `T2 spec.frontend.secretRef.name: Secret "b" belongs to TodoApp "team-b"`,
	},
	"T2 backend Secret of another": {
		app: todoApp(backendRef("b")), found: holding("b").owned("b", "team-b"),
		want: `T2 spec.backend.secretRef.name: Secret "b" belongs to TodoApp "team-b"`,
	},
	"T2 source of another": {
		app:   todoApp(sourceRef("b", "BETTER_AUTH_SECRET")),
		found: holding("b BETTER_AUTH_SECRET "+secretA).owned("b", "team-b"),
		want:  `T2 spec.auth.source.secretRef.name: Secret "b" belongs to TodoApp "team-b"`,
	},
	"T2 default name taken by another": {
		app:   todoApp(),
		found: holding("team-a-backend-auth").owned("team-a-backend-auth", "team"),
		want:  `T2 spec.backend.secretRef.name`,
	},
	"T2 keyring name taken by another": {
		app: todoApp(), found: holding("team-a-keyring").owned("team-a-keyring", "team"),
		want: `T2 metadata.name: Secret "team-a-keyring" belongs to TodoApp "team"`,
	},
	"T2 its own": {
		app: todoApp(frontendRef("a")), found: holding("a").owned("a", "team-a"),
	},
	"T2 nobody's": {app: todoApp(frontendRef("b")), found: holding("b")},
	"T2 labelled by somebody else's tool": {
		app: todoApp(frontendRef("b")),
		found: holding("b").owned("b", "team-b").changed("b", func(s *corev1.Secret) {
			s.Labels[managedBy] = "helm"
		}),
	},
	"T2 orphaned": {
		app:   todoApp(frontendRef("b")),
		found: holding("b").owned("b", "team-b").changed("b", func(s *corev1.Secret) { s.OwnerReferences = nil }),
	},
	"T2 owned by another kind": {
		app: todoApp(frontendRef("b")),
		found: holding("b").owned("b", "team-b").changed("b", func(s *corev1.Secret) {
			s.OwnerReferences[0].APIVersion = "example.com/v1"
		}),
	},
}

var replacementCases = map[string]todoAppCase{
	"T3 an update to a live Secret": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
		want: `T3 spec.backend.secretRef.name: Secret "live" holds a secret of its own; to replace it, ` +
			`annotate the TodoApp todoapp.dev/replace-secret=live`,
	},
	"T3 a creation with a ring kept from before": {
		app:   todoApp(frontendRef("live")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
		want:  `T3 spec.frontend.secretRef.name`,
	},
	"T3 the value is in the ring": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET "+secretB).ring(secretB, secretA),
	},
	"T3 permitted": {
		old: todoApp(), app: todoApp(backendRef("live"), annotated(todov1.AnnotationReplaceSecret, "live")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
	},
	"T3 another is permitted": {
		old: todoApp(), app: todoApp(backendRef("live"), annotated(todov1.AnnotationReplaceSecret, "other")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
		want:  "T3",
	},
	"T3 holds no value": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live DATABASE_URL x", "live BETTER_AUTH_SECRET ").ring(secretA),
	},
	"T3 only a list": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRETS 1:" + secretB).ring(secretA), want: "T3",
	},
	"T3 only a list, of the ring": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRETS 1:" + secretA).ring(secretA),
	},
	"T3 a list that is none": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRETS x").ring(secretA), want: "T3",
	},
	"T3 a projection of its own, edited": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET "+secretB).owned("live", "team-a").ring(secretA),
	},
	"T3 an unreadable ring contains nothing": {
		old: todoApp(), app: todoApp(backendRef("live")),
		found: holding("live BETTER_AUTH_SECRET "+secretB).ring(secretA).changed("team-a-keyring", func(s *corev1.Secret) {
			s.Data = nil
		}),
		want: "T3",
	},
	"T3 left as it was": {
		old: todoApp(backendRef("live")), app: todoApp(backendRef("live"), frontendURL("https://todo.example.com")),
		found: holding("live BETTER_AUTH_SECRET " + secretB).ring(secretA),
	},
}

var sourceCases = map[string]todoAppCase{
	"T4 good": {app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA)},
	"T4 does not exist yet": {
		app: todoApp(sourceRef("vault", "key")), warning: `Secret "vault" does not exist yet`,
	},
	"T4 no such entry": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault other " + secretA),
		want: `T4 spec.auth.source.secretRef.key: Secret "vault" has no entry "key"`,
	},
	"T4 empty entry": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key "),
		want: `T4 spec.auth.source.secretRef: entry "key" of Secret "vault" is empty`,
	},
	"T4 short": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA[1:]),
		want: `T4 spec.auth.source.secretRef: entry "key" of Secret "vault" has 31 characters, at least 32`,
	},
	"T4 regular": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + strings.Repeat("ab", 32)),
		want: `T4 spec.auth.source.secretRef: entry "key" of Secret "vault" is too regular: about 64 bits`,
	},
	"T4 Better Auth's default": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key better-auth-secret-12345678901234567890"),
		want: `T4 spec.auth.source.secretRef: entry "key" of Secret "vault" is a well-known placeholder`,
	},
	"T4 comma": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA + ",x"),
		want: `T4 spec.auth.source.secretRef: entry "key" of Secret "vault" has a comma, a line break`,
	},
	"T4 trailing newline": {
		app: todoApp(sourceRef("vault", "key")), found: holding("vault key " + secretA + "\n"), want: "T4",
	},
	"T4 by an update": {
		old: todoApp(), app: todoApp(sourceRef("vault", "key")), found: holding("vault key short"), want: "T4",
	},
	"T4 another entry by an update": {
		old: todoApp(sourceRef("vault", "old")), app: todoApp(sourceRef("vault", "key")),
		found: holding("vault key short"), want: "T4",
	},
	"T4 left as it was": {
		old: todoApp(sourceRef("vault", "key")), app: todoApp(sourceRef("vault", "key"), sqlite),
		found: holding("vault key short"),
	},
}

var envCases = map[string]todoAppCase{
	"T5 a variable of its own": {app: todoApp(frontendEnv(corev1.EnvVar{Name: "LOG_LEVEL", Value: "debug"}))},
	"T5 a reserved variable": {
		app:  todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_SECRET", Value: "x"})),
		want: "T5 spec.frontend.env[BETTER_AUTH_SECRET]: the operator sets BETTER_AUTH_SECRET itself",
	},
	"T5 a reserved variable of the backend": {
		app:  todoApp(backendEnv(corev1.EnvVar{Name: "BETTER_AUTH_SECRETS", Value: "x"})),
		want: "T5 spec.backend.env[BETTER_AUTH_SECRETS]: the operator sets BETTER_AUTH_SECRETS itself",
	},
	"T5 a reserved variable from a Secret": {
		app: todoApp(backendEnv(fromSecretKey("BETTER_AUTH_SECRET", "x", "y"))), want: "T5",
	},
	"T5 key version":     {app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_KEY_VERSION"})), want: "T5"},
	"T5 cookie versions": {app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_COOKIE_VERSIONS"})), want: "T5"},
	"T5 legacy secret":   {app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_LEGACY_SECRET"})), want: "T5"},
	"T5 url":             {app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_URL"})), want: "T5"},
	"T5 a name that only begins like one": {
		app: todoApp(frontendEnv(corev1.EnvVar{Name: "BETTER_AUTH_SECRET_HINT", Value: "x"})),
	},
	"T5 under another name": {
		app:  todoApp(frontendEnv(fromSecretKey("MY_SECRET", "other", "BETTER_AUTH_SECRET"))),
		want: "T5 spec.frontend.env[MY_SECRET]: MY_SECRET draws in BETTER_AUTH_SECRET",
	},
	"T5 under another name from a ConfigMap": {
		app:  todoApp(backendEnv(fromConfigMapKey("MY_SECRETS", "other", "BETTER_AUTH_SECRETS"))),
		want: "T5 spec.backend.env[MY_SECRETS]: MY_SECRETS draws in BETTER_AUTH_SECRETS",
	},
	"T5 the keyring": {
		app:  todoApp(backendEnv(fromSecretKey("RING", "team-a-keyring", "keyring.json"))),
		want: `T5 spec.backend.env[RING]: RING draws from Secret "team-a-keyring"`,
	},
	"T5 the other side's Secret": {
		app:  todoApp(frontendRef("web"), backendEnv(fromSecretKey("X", "web", "x"))),
		want: `T5 spec.backend.env[X]: X draws from Secret "web"`,
	},
	"T5 another entry of another Secret": {
		app: todoApp(backendEnv(fromSecretKey("API_KEY", "other", "API_KEY"), fromConfigMapKey("C", "other", "c"))),
	},
	"T5 a field": {
		app: todoApp(backendEnv(corev1.EnvVar{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}})),
	},
}

func longName(app *todov1.TodoApp) { app.Name = strings.Repeat("a", 60) }

var specCases = map[string]todoAppCase{
	"T6 the shortened keyring name of a long name": {
		app:  todoApp(longName, func(app *todov1.TodoApp) { frontendRef(desired.Keyring(app))(app) }),
		want: "T6 metadata.name: Secret",
	},
	"T6 a long name": {app: todoApp(longName)},

	"T7 sqlite to postgres": {
		old: todoApp(sqlite), app: todoApp(postgres),
		want: "T7 spec.backend.storage: changing sqlite to postgres leaves the tasks behind; " +
			"to do it, annotate the TodoApp todoapp.dev/allow-storage-change=true",
	},
	"T7 the default to postgres": {old: todoApp(), app: todoApp(postgres), want: "T7"},
	"T7 postgres to sqlite":      {old: todoApp(postgres), app: todoApp(sqlite), want: "T7"},
	"T7 postgres to the default": {
		old: todoApp(postgres), app: todoApp(),
		want: "T7 spec.backend.storage: changing postgres to sqlite",
	},
	"T7 permitted": {
		old: todoApp(), app: todoApp(postgres, annotated(todov1.AnnotationAllowStorageChange, "true")),
	},
	"T7 permitted otherwise": {
		old: todoApp(), app: todoApp(postgres, annotated(todov1.AnnotationAllowStorageChange, "yes")), want: "T7",
	},
	"T7 the default to sqlite":          {old: todoApp(), app: todoApp(sqlite)},
	"T7 an image of its own to sqlite":  {old: todoApp(ownImage), app: todoApp(ownImage, sqlite)},
	"T7 an image of its own to another": {old: todoApp(ownImage), app: todoApp(ownImage, postgres)},
	"T7 a creation":                     {app: todoApp(postgres)},

	"url https":          {app: todoApp(frontendURL("https://todo.example.com"))},
	"url http":           {app: todoApp(frontendURL("http://todo.example.com")), warning: "spec.frontend.url: http sends"},
	"url localhost":      {app: todoApp(frontendURL("http://localhost:3000"))},
	"url of a subdomain": {app: todoApp(frontendURL("http://todo.localhost"))},
	"url loopback":       {app: todoApp(frontendURL("http://127.0.0.1:3000"))},
	"url IPv6 loopback":  {app: todoApp(frontendURL("http://[::1]:3000"))},
	"url like localhost": {app: todoApp(frontendURL("http://localhost.example.com")), warning: "http sends"},
}
