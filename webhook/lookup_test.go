package webhook

import (
	"context"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// largeApp is a reader of a TodoApp of 1 MB.
type largeApp struct{ client.Reader }

// Get implements client.Reader.
func (largeApp) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	app := into.(*todov1.TodoApp) //nolint:forcetypeassert // nothing else is read
	app.Name, app.Annotations = key.Name, map[string]string{"note": strings.Repeat("x", 1<<20)}
	app.Spec.Backend.SecretRef = &todov1.SecretReference{Name: "own"}
	app.Spec.Backend.Env = []corev1.EnvVar{{Name: "A", Value: strings.Repeat("x", 1<<20)}}
	return nil
}

// TestLookUpKeepsReferences: a hundred reviews of workloads of one large TodoApp would hold it a hundred times.
func TestLookUpKeepsReferences(t *testing.T) {
	workload := &appsv1.Deployment{}
	workload.Labels = map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: todov1.ComponentBackend}
	results, err := lookUp(t.Context(), largeApp{}, workload, &corev1.PodSpec{})
	if err != nil {
		t.Fatal(err)
	}
	app := results.app
	if app.Name != "shop" || app.Spec.Backend.SecretRef.Name != "own" || app.Annotations != nil || app.Spec.Backend.Env != nil {
		t.Errorf("of the TodoApp remain %d annotations and %d variables", len(app.Annotations), len(app.Spec.Backend.Env))
	}
}

// TestAWorkloadCostsOneReadForEachObject checks that the reads depend on the references of the pod alone: listing fails.
func TestAWorkloadCostsOneReadForEachObject(t *testing.T) {
	for name, c := range map[string]struct {
		pod  corev1.PodSpec
		want []string
	}{
		"its own Secret":              {pod(web()), nil},
		"an entry of another":         {pod(web(), env(fromSecretKey("A", "db", "a"), fromSecretKey("B", "db", "b"))), []string{"db"}},
		"an item of another":          {pod(web(), secretVolume("db", item("a", "b"))), []string{"db"}},
		"another, whole and by entry": {pod(web(wholeSecret("", "db")), env(fromSecretKey("A", "db", "a"))), []string{"db"}},
		"two others":                  {pod(web(wholeSecret("", "db")), env(fromSecretKey("A", "mail", "a"))), []string{"db", "mail"}},
		"a ConfigMap":                 {pod(web(wholeConfigMap("", "settings"))), []string{"settings"}},
		"an entry of a ConfigMap":     {pod(web(), env(fromConfigMapKey("A", "settings", "a"))), nil},
	} {
		t.Run(name, func(t *testing.T) {
			reader := &reads{}
			workload := &appsv1.Deployment{}
			workload.Labels = frontendLabels()
			if _, err := lookUp(t.Context(), reader, workload, &c.pod); err != nil {
				t.Fatal(err)
			}
			slices.Sort(reader.asked)
			if want := append(slices.Clone(c.want), "shop"); !slices.Equal(reader.asked, want) {
				t.Errorf("read %v, expected %v", reader.asked, want)
			}
		})
	}
}

// TestKeyringsAreKnownByWhatIsRead checks that trimming keeps what tells a keyring, and that a missing Secret is none.
func TestKeyringsAreKnownByWhatIsRead(t *testing.T) {
	have := holding("labelled", "db", "some-keyring").owned("db", "blog")
	for name, labels := range map[string]map[string]string{
		"labelled":     {todov1.LabelComponent: todov1.ComponentKeyring},
		"blog-keyring": {todov1.LabelApp: "blog"},
	} {
		have[name] = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	}
	workload := &appsv1.Deployment{}
	workload.Labels = frontendLabels()
	var variables []corev1.EnvVar
	for _, name := range []string{"labelled", "blog-keyring", "db", "some-keyring", "missing"} {
		variables = append(variables, fromSecretKey("A", name, "a"))
	}
	results, err := lookUp(t.Context(), &reads{have: have}, workload, new(pod(env(variables...))))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sets.List(results.keyrings), []string{"blog-keyring", "labelled"}; !slices.Equal(got, want) {
		t.Errorf("keyrings are %v, expected %v", got, want)
	}
}

// TestRivalsAreReadLive: the cache names the candidates, and the API server decides: one is deleted by now, and another names the
// Secret no more.
func TestRivalsAreReadLive(t *testing.T) {
	named := func(name string, with ...func(*todov1.TodoApp)) todov1.TodoApp {
		app := todoApp(with...)
		app.Name = name
		return *app
	}
	cache := &reads{apps: []todov1.TodoApp{
		named("source", sourceRef("web", "key")), named("deleted", backendRef("web")), named("changed", frontendRef("web")),
		named("unrelated", frontendRef("other")),
	}}
	live := &reads{apps: []todov1.TodoApp{
		named("source", sourceRef("web", "key")), named("changed"), named("unrelated", frontendRef("other")),
	}}
	apps, err := appsNaming(t.Context(), cache, live, "team-a", []string{"web"})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(live.asked)
	if want := []string{"changed", "deleted", "source"}; !slices.Equal(live.asked, want) {
		t.Errorf("read %v live, expected %v", live.asked, want)
	}
	var claims []string
	for i := range apps {
		claims = append(claims, apps[i].Name+" "+claimOn("web", &apps[i]))
	}
	if want := []string{"changed ", "source is the source of"}; !slices.Equal(claims, want) {
		t.Errorf("claims %q, expected %q", claims, want)
	}
}
