package webhook

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// pages has numbered keyrings, and lists no more of them at once than it is asked for.
type pages struct {
	client.Reader
	total, most int
}

func (p *pages) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	list, asked := into.(*metav1.PartialObjectMetadataList), client.ListOptions{}
	asked.ApplyOptions(options)
	first, _ := strconv.Atoi(asked.Continue)
	last := p.total
	if asked.Limit > 0 {
		last = min(last, first+int(asked.Limit))
	}
	p.most = max(p.most, last-first)
	for i := first; i < last; i++ {
		list.Items = append(list.Items, metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("keyring-", i)}})
	}
	if last < p.total {
		list.Continue = strconv.Itoa(last)
	}
	return nil
}

// A namespace may have any number of keyrings of any size: no more than a page of them is in memory at once.
func TestListsAreReadInPages(t *testing.T) {
	for _, total := range []int{0, 1, page, page + 1, 3 * page} {
		p := &pages{total: total}
		keyrings, err := listKeyrings(t.Context(), p, "ns")
		if err != nil || keyrings.Len() != total || p.most > page {
			t.Errorf("%d of %d, %d at once: %v", keyrings.Len(), total, p.most, err)
		}
		for i := range total {
			if !keyrings.Has(fmt.Sprint("keyring-", i)) {
				t.Errorf("keyring %d is missing", i)
			}
		}
	}
}

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

// weighed is a reader that notes whether a call of the given weight could begin while it lists.
type weighed struct {
	pages
	weight int64
	free   bool
}

// List implements client.Reader.
func (w *weighed) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if w.free = liveCalls.TryAcquire(w.weight); w.free {
		liveCalls.Release(w.weight)
	}
	return w.pages.List(ctx, into, options...)
}

// TestPagesCountAsManyCalls: a page holds as many objects as all calls together may.
func TestPagesCountAsManyCalls(t *testing.T) {
	for weight, free := range map[int64]bool{16 - pageWeight: true, 16 - pageWeight + 1: false} {
		w := &weighed{pages: pages{total: 1}, weight: weight}
		if _, err := listKeyrings(t.Context(), w, "ns"); err != nil || w.free != free {
			t.Errorf("beside a page, calls of weight %d may begin: %v (%v)", weight, w.free, err)
		}
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
