package webhook

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// pages has numbered TodoApps, and lists no more of them at once than it is asked for.
type pages struct {
	client.Reader
	total, most int
}

func (p *pages) List(_ context.Context, into client.ObjectList, options ...client.ListOption) error {
	list, asked := into.(*todov1.TodoAppList), client.ListOptions{}
	asked.ApplyOptions(options)
	first, _ := strconv.Atoi(asked.Continue)
	last := p.total
	if asked.Limit > 0 {
		last = min(last, first+int(asked.Limit))
	}
	p.most = max(p.most, last-first)
	for i := first; i < last; i++ {
		app := todov1.TodoApp{}
		app.Name, app.Annotations = fmt.Sprint("app-", i), map[string]string{"large": "x"}
		list.Items = append(list.Items, app)
	}
	if last < p.total {
		list.Continue = strconv.Itoa(last)
	}
	return nil
}

// A namespace may have any number of TodoApps of any size: no more than a page of them is in memory at once.
func TestListsAreReadInPages(t *testing.T) {
	for _, total := range []int{0, 1, page, page + 1, 3 * page} {
		p := &pages{total: total}
		apps, err := listApps(t.Context(), p, "ns")
		if err != nil || len(apps) != total || p.most > page {
			t.Errorf("%d of %d, %d at once: %v", len(apps), total, p.most, err)
		}
		for i, app := range apps {
			if app.Name != fmt.Sprint("app-", i) || app.Annotations != nil {
				t.Errorf("%d is %v", i, app.ObjectMeta)
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
		if _, err := listApps(t.Context(), w, "ns"); err != nil || w.free != free {
			t.Errorf("beside a page, calls of weight %d may begin: %v (%v)", weight, w.free, err)
		}
	}
}
