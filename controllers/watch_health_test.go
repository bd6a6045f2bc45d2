package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// podServer lists and watches no pods, or fails.
type podServer struct {
	sync.Mutex
	err     error
	version int
	watch   *watch.FakeWatcher
}

func (s *podServer) set(err error) {
	s.Lock()
	defer s.Unlock()
	s.err = err
	if s.watch != nil {
		s.watch.Stop()
		s.watch = nil
	}
}

func (s *podServer) list(context.Context, metav1.ListOptions) (runtime.Object, error) {
	s.Lock()
	defer s.Unlock()
	s.version++
	return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: fmt.Sprint(s.version)}}, s.err
}

func (s *podServer) follow(context.Context, metav1.ListOptions) (watch.Interface, error) {
	s.Lock()
	defer s.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	s.watch = watch.NewFake()
	return s.watch, nil
}

// listWatch lists without streaming, which a fake server does not know.
type listWatch struct{ toolscache.ListWatch }

func (listWatch) IsWatchListSemanticsUnSupported() bool { return true }

// TestAManagerIsNotReadyWhileItCannotList follows a watch from the start over a failure to its recovery.
func TestAManagerIsNotReadyWhileItCannotList(t *testing.T) {
	handlers := utilruntime.ErrorHandlers
	utilruntime.ErrorHandlers = nil // they limit their rate by the clock outside the bubble
	defer func() { utilruntime.ErrorHandlers = handlers }()
	synctest.Test(t, func(t *testing.T) {
		server := &podServer{err: errors.New("pods is forbidden")}
		health := NewWatchHealth(time.Now)
		var options cache.Options
		health.Attach(&options)
		lw := &listWatch{toolscache.ListWatch{ListWithContextFunc: server.list, WatchFuncWithContext: server.follow}}
		informer := options.NewInformer(lw, &corev1.Pod{}, 0, nil)
		go informer.RunWithContext(t.Context())

		expect := func(when, want string) {
			t.Helper()
			synctest.Wait()
			got := fmt.Sprint(health.Check(nil))
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s, not %s", when, got, want)
			}
			if failing := health.Failing(); (failing["Pod"] != nil) != (want != "<nil>") {
				t.Errorf("%s: the metric says %v", when, failing)
			}
		}
		expect("that was never listed", "cannot list or watch Pod objects: failed to list *v1.Pod: pods is forbidden")
		server.set(nil)
		advance(time.Minute)
		expect("that is listed", "<nil>")
		server.set(errors.New("pods is forbidden"))
		advance(5 * time.Second)
		expect("that has failed for a moment", "<nil>")
		advance(10 * time.Minute)
		expect("that has failed for long", "cannot list or watch Pod objects: failed to list *v1.Pod: pods is forbidden")
		server.set(nil)
		advance(2 * time.Minute)
		expect("that has recovered", "<nil>")
	})
}

// advance lets the bubble's clock run.
func advance(d time.Duration) { <-time.After(d) }
