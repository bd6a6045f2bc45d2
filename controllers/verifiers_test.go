package controllers

import (
	"net"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
			w := snapshot{own: map[types.UID]bool{pod.UID: true}}
			if got := w.answering(&pod); got != c.want {
				t.Errorf("asked: %t", got)
			}
		})
	}
}

// TestWhyAPodGaveNoAnswer: a condition prints the error, so it names the address and the cause once and briefly.
func TestWhyAPodGaveNoAnswer(t *testing.T) {
	const ip = "127.1.255.1"
	v := NewVerifiers()
	if err := v.keyring(t.Context(), ip).err; err == nil || err.Error() != "does not answer at 127.1.255.1:9090 (connection refused)" {
		t.Errorf("without a listener: %v", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ip+":9090")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if err := v.keyring(t.Context(), ip).err; err == nil || err.Error() != "does not answer at 127.1.255.1:9090 (timeout)" {
		t.Errorf("without an answer: %v", err)
	}
}
