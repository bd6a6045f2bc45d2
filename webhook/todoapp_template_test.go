package webhook

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func local(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }

func envFromSecret(name, prefix string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Frontend.Template.EnvFrom = append(app.Spec.Frontend.Template.EnvFrom, corev1.EnvFromSource{
			Prefix: prefix, SecretRef: &corev1.SecretEnvSource{LocalObjectReference: local(name)}})
	}
}

func envFromConfigMap(name, prefix string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Backend.Template.EnvFrom = append(app.Spec.Backend.Template.EnvFrom, corev1.EnvFromSource{
			Prefix: prefix, ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: local(name)}})
	}
}

func frontendVolume(v todov1.Volume) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		v.Name = "files"
		app.Spec.Frontend.Template.Volumes = append(app.Spec.Frontend.Template.Volumes, v)
	}
}

// authority names the certificate authority of the frontend's database, whose URL is in the same object or none.
func authority(kind, name string) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Frontend.Database = &todov1.DatabaseSpec{CARef: &todov1.CAReference{Kind: kind, Name: name, Key: "ca.crt"}}
	}
}

// fileOf returns a volume with one entry of a Secret.
func fileOf(secret, entry, file string) todov1.Volume {
	return todov1.Volume{Secret: &corev1.SecretVolumeSource{
		SecretName: secret, Items: []corev1.KeyToPath{{Key: entry, Path: file}}}}
}

// projectionOf returns a projected volume with all entries of a Secret.
func projectionOf(secret string) todov1.Volume {
	return todov1.Volume{Projected: &todov1.ProjectedVolume{Sources: []todov1.ProjectedSource{
		{Secret: &corev1.SecretProjection{LocalObjectReference: local(secret)}}}}}
}

func driverSecret(secret string) todov1.Volume {
	ref := local(secret)
	return todov1.Volume{CSI: &corev1.CSIVolumeSource{Driver: "csi.example.com", NodePublishSecretRef: &ref}}
}

var templateCases = map[string]todoAppCase{
	"an authority in the keyring": {
		app:  todoApp(authority(todov1.KindSecret, "team-a-keyring")),
		want: `reserved-variable spec.frontend.database.caRef: caRef reads Secret "team-a-keyring", which the operator injects itself`,
	},
	"an authority in another app's Secret": {
		app: todoApp(authority(todov1.KindSecret, "web")), found: holding("web").owned("web", "team-b"),
		want: `reserved-variable spec.frontend.database.caRef: caRef reads Secret "web", which holds keys of TodoApp "team-b"`,
	},
	"an authority":           {app: todoApp(authority(todov1.KindSecret, "pg-ca"))},
	"envFrom another Secret": {app: todoApp(envFromSecret("smtp", "")), found: holding("smtp PASSWORD x")},
	"envFrom the app's own Secret": {
		app: todoApp(envFromSecret("team-a-frontend-auth", "")),
		want: `reserved-variable spec.frontend.template.envFrom[0]: ` +
			`it reads Secret "team-a-frontend-auth", which the operator injects itself: remove it`,
	},
	"envFrom the other component's Secret, under a prefix": {
		app: todoApp(envFromSecret("team-a-backend-auth", "X_")), want: `reserved-variable spec.frontend.template.envFrom[0]`,
	},
	"envFrom a Secret of another app": {
		app: todoApp(envFromSecret("web", "")), found: holding("web").owned("web", "team-b"),
		want: `reserved-variable spec.frontend.template.envFrom[0]: it reads Secret "web", which holds keys of TodoApp "team-b"`,
	},
	"envFrom the Secret of the source": {
		app: todoApp(sourceRef("vault", "key"), envFromSecret("vault", "")), found: holding("vault key " + secretA),
		want: `reserved-variable spec.frontend.template.envFrom[0]: it reads the source`,
	},
	"envFrom a Secret with a reserved variable": {
		app: todoApp(envFromSecret("old", "")), found: holding("old BETTER_AUTH_LEGACY_SECRET "+secretA, "old A x"),
		want: `reserved-variable spec.frontend.template.envFrom[0]: entry BETTER_AUTH_LEGACY_SECRET of Secret "old" sets a variable`,
	},
	"envFrom a Secret that a prefix makes a reserved variable of": {
		app: todoApp(envFromSecret("old", "BETTER_AUTH_")), found: holding("old SECRET " + secretA),
		want: `reserved-variable spec.frontend.template.envFrom[0]: entry SECRET of Secret "old" sets a variable`,
	},
	"envFrom a Secret whose prefix keeps it apart": {
		app: todoApp(envFromSecret("old", "OLD_")), found: holding("old BETTER_AUTH_SECRET " + secretA),
	},
	"a file of another Secret": {app: todoApp(frontendVolume(fileOf("tls", "tls.crt", "tls.crt")))},
	"a file of the app's own Secret": {
		app:  todoApp(frontendVolume(fileOf("team-a-frontend-auth", "x", "y"))),
		want: `reserved-variable spec.frontend.template.volumes[files].secret.items[0]: y reads Secret "team-a-frontend-auth"`,
	},
	"a file of a shared key": {
		app:  todoApp(frontendVolume(fileOf("old", "BETTER_AUTH_SECRET", "key"))),
		want: `reserved-variable spec.frontend.template.volumes[files].secret.items[0]: key reads BETTER_AUTH_SECRET`,
	},
	"the keyring in a projected volume": {
		app:  todoApp(frontendVolume(projectionOf("team-a-keyring"))),
		want: `reserved-variable spec.frontend.template.volumes[files].projected.sources[0].secret: it reads Secret "team-a-keyring"`,
	},
	"the keyring for a CSI driver": {
		app:  todoApp(frontendVolume(driverSecret("team-a-keyring"))),
		want: `reserved-variable spec.frontend.template.volumes[files].csi.nodePublishSecretRef: it reads Secret "team-a-keyring"`,
	},
}

// A ConfigMap that is taken whole is read, once, and must not set a variable of the operator.
func TestConfigMapsTakenWholeSetNoReservedVariable(t *testing.T) {
	whole, prefixed := envFromConfigMap("settings", ""), envFromConfigMap("settings", "BETTER_")
	for name, c := range map[string]struct {
		old, app *todov1.TodoApp
		entries  []string
		want     string
		read     bool
	}{
		"others":             {nil, todoApp(whole), []string{"LOG_LEVEL"}, "", true},
		"reserved":           {nil, todoApp(whole), []string{"BETTER_AUTH_URL"}, "entry BETTER_AUTH_URL of ConfigMap", true},
		"reserved by prefix": {nil, todoApp(prefixed), []string{"AUTH_URL"}, "entry AUTH_URL of ConfigMap", true},
		"admitted before": {todoApp(whole), todoApp(whole, frontendURL("https://a.example.com")),
			[]string{"BETTER_AUTH_URL"}, "", false},
		"does not exist": {nil, todoApp(whole), nil, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			reader := &reads{configMaps: map[string][]string{}}
			if c.entries != nil {
				reader.configMaps["settings"] = c.entries
			}
			_, err := todoAppValidator{reader, &reads{}}.validate(t.Context(), c.old, c.app)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if got := slices.Contains(reader.asked, "settings"); got != c.read {
				t.Errorf("ConfigMap read: %t", got)
			}
		})
	}
}

// References of a template are judged with the rights of the user who adds them, like those of a workload.
func TestReferencesOfATemplateAreJudgedWithTheUsersRights(t *testing.T) {
	for name, c := range map[string]struct {
		app   *todov1.TodoApp
		asked string
	}{
		"envFrom a Secret":    {todoApp(envFromSecret("s", "")), "secrets/s"},
		"envFrom a ConfigMap": {todoApp(envFromConfigMap("c", "")), "configmaps/c"},
		"a volume":            {todoApp(frontendVolume(fileOf("s", "a", "b"))), "secrets/s"},
		"a projected volume":  {todoApp(frontendVolume(projectionOf("s"))), "secrets/s"},
		"an authority":        {todoApp(authority(todov1.KindSecret, "ca")), "secrets/ca"},
		"a public authority":  {todoApp(authority(todov1.KindConfigMap, "ca")), "configmaps/ca"},
		"a CSI driver's":      {todoApp(frontendVolume(driverSecret("s"))), "secrets/s"},
	} {
		t.Run(name, func(t *testing.T) {
			a, calls := &authorizer{}, 0
			_, err := appGuard(a, Enforce, &calls).ValidateCreate(asUser(t.Context()), c.app)
			if err == nil || calls > 0 || !slices.Equal(a.asked(), []string{c.asked}) {
				t.Errorf("got %v, asked about %v", err, a.asked())
			}
		})
	}
}

func TestEntriesOfATemplateCount(t *testing.T) {
	many := make([]corev1.KeyToPath, maxEntries)
	app := todoApp(frontendVolume(todov1.Volume{Secret: &corev1.SecretVolumeSource{SecretName: "s", Items: many}}))
	if got := entriesOf(app); got != maxEntries+1 {
		t.Errorf("%d entries counted", got)
	}
}
