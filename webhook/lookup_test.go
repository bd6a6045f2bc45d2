package webhook

import (
	"context"
	"fmt"
	"strconv"
	"testing"

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
