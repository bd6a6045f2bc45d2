package controllers

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// TestWhoIsAsked: a pod that cannot answer costs the timeout, in every reconcile.
func TestWhoIsAsked(t *testing.T) {
	serves := func(p *corev1.Pod) {
		p.Status.PodIP = "192.0.2.1"
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	ends := func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }
	unready := func(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }
	for name, c := range map[string]struct {
		changes []func(*corev1.Pod)
		want    bool
	}{
		"one that serves":                       {[]func(*corev1.Pod){serves}, true},
		"one that is not ready yet":             {[]func(*corev1.Pod){serves, unready}, true},
		"one that ends and still serves":        {[]func(*corev1.Pod){serves, ends}, true},
		"one that ends and serves no more: not": {[]func(*corev1.Pod){serves, unready, ends}, false},
		"one without an address: not":           {nil, false},
		"one that has finished: not": {[]func(*corev1.Pod){serves, func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodFailed
		}}, false},
		"one that restarts for its keys: not": {[]func(*corev1.Pod){serves, func(p *corev1.Pod) {
			p.Annotations = map[string]string{"todoapp.dev/keys": "1"}
		}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := podWith(func(p *corev1.Pod) {
				for _, change := range c.changes {
					change(p)
				}
			})
			if got := answering(&pod); got != c.want {
				t.Errorf("asked: %t", got)
			}
		})
	}
}

// TestABusyPodIsAskedAgain: without an answer it would be touched, though there is nothing that it does not know.
func TestABusyPodIsAskedAgain(t *testing.T) {
	const ip = "127.2.0.1"
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("%s:%d", ip, desired.OperationsPort))
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if asked.Add(1) == 1 {
			<-q.Context().Done() // too busy, until nobody waits any more
			return
		}
		_, _ = fmt.Fprint(w, `{"versions":[2,1]}`)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	pod := podWith(func(p *corev1.Pod) { p.UID, p.Status.PodIP = "busy", ip })
	if got := NewVerifiers().ask(t.Context(), []corev1.Pod{pod}, nil)["busy"]; !slices.Equal(got, []int64{2, 1}) {
		t.Errorf("it trusts %v", got)
	}
}
