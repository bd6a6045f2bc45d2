package controllers_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/controllers"
)

// watchful counts how often a pod is looked at.
type watchful struct {
	client.Reader
	pod   string
	looks atomic.Int32
}

func (w *watchful) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	err := w.Reader.List(ctx, into, options...)
	if pods, ok := into.(*corev1.PodList); ok && slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool { return p.Name == w.pod }) {
		w.looks.Add(1)
	}
	return err
}

// watchfulClient looks at pods through another reader and leaves the rest to its client.
type watchfulClient struct {
	client.Client
	reader *watchful
}

func (w watchfulClient) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	return w.reader.List(ctx, into, options...)
}

// TestAReconcileAsksAPodOnce: a reconcile that reads twice, from the cache and live, asks only with the first read.
func TestAReconcileAsksAPodOnce(t *testing.T) {
	e := newEnvironment(t)
	var first, second *watchful
	manager := e.start(func(r *controllers.Reconciler) {
		first = &watchful{Reader: r.Client, pod: "todo-backend-b"}
		second = &watchful{Reader: r.Live, pod: "todo-backend-b"}
		r.Client, r.Live = watchfulClient{r.Client, first}, second
	})
	app, backends := e.rotating()
	e.phase("todo", "Stable", "")
	e.quiet(manager)
	pod := backends[1]
	asked, looked, live := pod.asked.Load(), first.looks.Load(), second.looks.Load()
	e.merge(app, `{"spec":{"backend":{"replicas":1}}}`) // the budget is deleted, after live reads
	e.gone("todo-backend", &policyv1.PodDisruptionBudget{})
	e.quiet(manager)
	asked, looked, live = pod.asked.Load()-asked, first.looks.Load()-looked, second.looks.Load()-live
	if live == 0 || asked == 0 || asked > looked {
		t.Errorf("in %d reconciles, %d of which looked twice, the pod was asked %d times", looked, live, asked)
	}
}
