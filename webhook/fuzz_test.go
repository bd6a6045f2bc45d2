package webhook

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/randfill"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// words are what arbitrary strings are drawn from, so that they mean something to the rules often enough.
var words = []string{
	"", "a", "x", "team-a", "shop-keyring", "blog-keyring", "shop-backend-auth", own, "foreign", "foreign-list", "part", "db",
	"other", "leak", "settings", "missing", "vault", "key", "team-a-frontend-auth", "team-a-backend-auth", "team-a-keyring",
	"BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS", "BETTER_AUTH_KEY_VERSION", "BETTER_AUTH_COOKIE_VERSIONS",
	"BETTER_AUTH_LEGACY_SECRET", "BETTER_AUTH_URL", "BETTER_AUTH_TRUSTED_ORIGINS", "BETTER_AUTH_", "BETTER_",
	"SECRET", "DATABASE_URL", "LOG_LEVEL", "keyring.json", "dir/BETTER_AUTH_SECRET", "todoapp.dev/v1alpha1", "TodoApp",
	desired.LabelManagedBy, desired.ManagedBy, todov1.LabelApp, todov1.AnnotationReplaceSecret, todov1.AnnotationPaused,
	todov1.AnnotationAdopt,
	"https://todo.example.com", "http://todo.example.com", "http://[::1",
}

var values = []string{secretA, secretB, secretA + "\n", "1:" + secretA + ",2:" + secretB, "1:" + secretB, "short", "", "\xff"}

// arbitrary fills objects from the fuzzer's bytes, with what the API server would refuse too.
func arbitrary(data []byte, objects ...any) {
	fill(filler(data), objects)
}

func filler(data []byte) *randfill.Filler {
	return randfill.NewFromGoFuzz(data).NilChance(0.4).NumElements(0, 3).MaxDepth(12).Funcs(
		func(s *string, c randfill.Continue) { *s = words[c.Intn(len(words))] },
		func(b *[]byte, c randfill.Continue) { *b = []byte(values[c.Intn(len(values))]) },
	)
}

func fill(filler *randfill.Filler, objects []any) {
	for _, object := range objects {
		filler.Fill(object)
	}
}

// seed gives the fuzzer, and every ordinary run of the tests, something to begin with.
func seed(f *testing.F) {
	source := rand.NewChaCha8([32]byte{})
	for range 1000 {
		data := make([]byte, 600)
		_, _ = source.Read(data)
		f.Add(data)
	}
}

// theirs are the variables that the reference of the CRD reserves, and a TodoApp's own Secrets in these tests, written
// down here a second time.
var theirs = regexp.MustCompile(`^BETTER_AUTH_(SECRET|SECRETS|KEY_VERSION|COOKIE_VERSIONS|LEGACY_SECRET|URL)$`)

// FuzzTodoApp holds arbitrary TodoApps and Secrets to: no panic, no secret in a message, no reserved variable and no
// Secret of the operator admitted to a container.
func FuzzTodoApp(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		app, have := todoApp(), secrets{}
		arbitrary(input, &app.Spec, &have, &app.Annotations)
		existing := holding("foreign").owned("foreign", "team-b") // chance hardly makes one that is managed
		for name, s := range have {
			if s != nil && existing[name] == nil && !strings.Contains(name, "/") { // no Secret has such a name
				existing[name] = s
			}
		}
		have = existing
		warnings, err := todoAppValidator{&reads{have: have}, &reads{}}.ValidateCreate(t.Context(), app)
		if err == nil {
			admitted(t, app, have)
			handedOver(t, app, have)
		}
		said := strings.Join(warnings, "\n") + fmt.Sprint(err)
		if strings.Contains(said, secretA) || strings.Contains(said, secretB) {
			t.Errorf("shows a secret: %s", said)
		}
	})
}

// handedOver fails if an admitted TodoApp names a Secret that neither the operator made for it nor its owner handed over.
func handedOver(t *testing.T, app *todov1.TodoApp, have secrets) {
	for _, name := range desired.Secrets(app) {
		s := have[name]
		if s == nil {
			continue
		}
		made := s.Labels["app.kubernetes.io/managed-by"] == "todoapp-operator" && s.Labels["todoapp.dev/app"] == "team-a"
		if s.Annotations["todoapp.dev/adopt"] != "team-a" && !made && len(s.OwnerReferences) == 0 {
			t.Errorf("admitted Secret %q, which is somebody else's", name)
		}
		if s.Immutable != nil && *s.Immutable {
			t.Errorf("admitted Secret %q, which is immutable", name)
		}
	}
}

// admitted fails when an admitted TodoApp brings a container what only the operator does.
func admitted(t *testing.T, app *todov1.TodoApp, have secrets) {
	secret := func(name, key string) {
		s := have[name]
		managed := s != nil && s.Labels["app.kubernetes.io/managed-by"] == "todoapp-operator"
		source := app.Spec.Auth.Source
		unpublished := source != nil && source.SecretRef == secretKey(name, key)
		if theirs.MatchString(key) || name == "team-a-keyring" || managed || unpublished {
			t.Errorf("admitted entry %q of Secret %q", key, name)
		}
	}
	for _, e := range slices.Concat(app.Spec.Frontend.Env, app.Spec.Backend.Env) {
		if theirs.MatchString(e.Name) {
			t.Errorf("admitted %s", e.Name)
		}
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			secret(e.ValueFrom.SecretKeyRef.Name, e.ValueFrom.SecretKeyRef.Key)
		} else if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil && theirs.MatchString(e.ValueFrom.ConfigMapKeyRef.Key) {
			t.Errorf("admitted %v", e)
		}
	}
	for _, template := range []todov1.PodTemplate{app.Spec.Frontend.Template, app.Spec.Backend.Template} {
		for _, e := range template.EnvFrom {
			if e.SecretRef != nil {
				secret(e.SecretRef.Name, "")
			}
		}
		for _, v := range template.Volumes {
			if v.Secret != nil {
				secret(v.Secret.SecretName, "")
			}
		}
	}
	if d := app.Spec.Frontend.Database; d != nil {
		secret(d.URLSecretRef.Name, d.URLSecretRef.Key)
	}
	if d := app.Spec.Backend.Storage.Postgres; d != nil {
		secret(d.URLSecretRef.Name, d.URLSecretRef.Key)
	}
	if i := app.Spec.Ingress; i != nil {
		secret(i.TLSSecretName, "")
	}
}

// FuzzWorkload holds arbitrary pods to: no panic, and a shared variable is admitted from the app's own Secret only, by
// whatever way a pod can come by it; no keyring and not the other component's Secret are admitted at all. What a pod would get
// is worked out here a second time, the way the kubelet does.
func FuzzWorkload(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		var spec corev1.PodSpec
		var absent, backend bool
		arbitrary(input, &absent, &backend, &spec.Containers, &spec.Volumes, &spec.InitContainers, &spec.EphemeralContainers)
		c := podCase{absent: absent}
		g := given{own: "shop-frontend-auth", other: "shop-backend-auth", absent: absent, results: c.results()}
		if backend {
			c.component, g.own, g.other = todov1.ComponentBackend, g.other, g.own
		}
		g.results.secrets[g.own] = []string{"BETTER_AUTH_SECRET", "SECRET", "AUTH_SECRETS"} // adopted, with more in it
		deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: c.labels()}}
		deployment.Spec.Template.Spec = spec
		if _, err := deployments(g.reader()).ValidateCreate(t.Context(), deployment); err == nil {
			g.hold(t, &spec)
		}
	})
}
