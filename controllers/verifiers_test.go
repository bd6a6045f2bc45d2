package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
