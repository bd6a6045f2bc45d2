package controllers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const silentApps, reconcilers = 258, 8

// network answers for pods: those at addresses of 10.1.0.0/16 never answer.
type network struct {
	silent, atOnce, most atomic.Int32
	healed               atomic.Bool
}

func (n *network) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasPrefix(q.URL.Host, "10.1.") && !n.healed.Load() {
		n.silent.Add(1)
		n.most.Store(max(n.most.Load(), n.atOnce.Add(1)))
		defer n.atOnce.Add(-1)
		<-q.Context().Done()
		return nil, q.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"versions": [2, 1]}`))}, nil
}

func appAt(i int) types.NamespacedName {
	return types.NamespacedName{Namespace: "tenant", Name: fmt.Sprint(i)}
}

func podAt(ip string) []*corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: types.UID(ip)}}
	pod.Status.PodIP = ip
	return []*corev1.Pod{pod}
}

// round reconciles every silent app once with as many workers as the manager has, and returns how long that takes.
func round(ctx context.Context, v *Verifiers, check func(answers, error)) time.Duration {
	began := time.Now()
	apps := make(chan int, silentApps)
	for i := range silentApps {
		apps <- i
	}
	close(apps)
	var workers sync.WaitGroup
	for range reconcilers {
		workers.Go(func() {
			for i := range apps {
				check(v.ask(ctx, appAt(i), podAt(fmt.Sprintf("10.1.%d.%d", i/250, i%250)), nil))
			}
		})
	}
	workers.Wait()
	return time.Since(began)
}

// asking returns verifiers that ask pods of a network, and the queue to which they add apps.
func asking(t *testing.T) (*Verifiers, *network, workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	t.Helper()
	v, pods := NewVerifiers(), &network{}
	v.client.Transport = pods
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	if err := v.Enqueue(t.Context(), queue); err != nil {
		t.Fatal(err)
	}
	return v, pods, queue
}

// TestSilentPodsDelayNoOtherApp: 258 apps whose pods do not answer kept the workers busy for a minute.
func TestSilentPodsDelayNoOtherApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, pods, queue := asking(t)
		defer queue.ShutDown()
		pending := func(_ answers, err error) {
			if !errors.Is(err, errPending) {
				t.Errorf("a pod that was never asked: %v", err)
			}
		}
		if took := round(t.Context(), v, pending); took > 5*time.Second {
			t.Errorf("the first round took %s", took)
		}
		began := time.Now()
		healthy := podAt("10.2.0.1")
		if got, err := v.ask(t.Context(), appAt(-1), healthy, nil); err != nil || !same(got["10.2.0.1"].versions, []int64{1, 2}) {
			t.Errorf("a healthy app: %v (%v)", got, err)
		}
		if took := time.Since(began); took > patience {
			t.Errorf("a healthy app waited for %s", took)
		}
		advance(10 * time.Second)
		if queue.Len() != silentApps {
			t.Errorf("%d of %d apps were enqueued when their pods failed to answer", queue.Len(), silentApps)
		}
		asked := pods.silent.Load()
		for range 120 {
			if took := round(t.Context(), v, func(got answers, err error) {
				for _, a := range got {
					err = errors.Join(err, a.err)
				}
				if len(got) != 1 || err == nil || !strings.Contains(err.Error(), "(timeout)") {
					t.Errorf("a silent pod: %v (%v)", got, err)
				}
			}); took > 0 {
				t.Errorf("a later round took %s", took)
			}
			advance(5 * time.Second)
		}
		if more := pods.silent.Load() - asked; more > silentApps*20 || more < silentApps*5 {
			t.Errorf("%d silent pods were asked %d times within ten minutes", silentApps, more)
		}
		if most := pods.most.Load(); most > askedAtOnce+silentAtOnce {
			t.Errorf("%d pods were asked at once", most)
		}
	})
}

// TestAnAnswerThatChangesEnqueuesTheApp: a reconcile does not wait for a silent pod, so it has to come back.
func TestAnAnswerThatChangesEnqueuesTheApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, pods, queue := asking(t)
		defer queue.ShutDown()
		silent := podAt("10.1.0.1")
		_, _ = v.ask(t.Context(), appAt(1), silent, nil)
		advance(5 * time.Second)
		first, _ := queue.Get()
		queue.Done(first)
		_, _ = v.ask(t.Context(), appAt(1), silent, nil)
		advance(5 * time.Second)
		if queue.Len() != 0 {
			t.Error("an app was enqueued though its pod is as silent as before")
		}
		pods.healed.Store(true)
		_, _ = v.ask(t.Context(), appAt(1), silent, nil)
		synctest.Wait()
		if queue.Len() != 1 {
			t.Fatal("an app was not enqueued when its pod answered")
		}
		got, err := v.ask(t.Context(), appAt(1), silent, nil)
		if err != nil || !same(got["10.1.0.1"].versions, []int64{1, 2}) {
			t.Errorf("%v (%v)", got, err)
		}
	})
}
