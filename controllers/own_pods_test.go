package controllers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// TestOwnPods: labels can be copied, the chain of owners to the app's UID cannot.
func TestOwnPods(t *testing.T) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo", UID: "app"}}
	meta := func(uid, owner types.UID, labels map[string]string) metav1.ObjectMeta {
		m := metav1.ObjectMeta{Name: string(uid), UID: uid, Labels: labels}
		if owner != "" {
			m.OwnerReferences = []metav1.OwnerReference{{UID: owner, Controller: new(true)}}
		}
		return m
	}
	foreign := map[string]string{todov1.LabelApp: "todo", todov1.LabelComponent: todov1.ComponentBackend}
	w := &snapshot{
		deployments: []appsv1.Deployment{
			{ObjectMeta: meta("deployment", "app", backendLabels)}, {ObjectMeta: meta("earlier app's", "earlier", backendLabels)},
			{ObjectMeta: meta("user's", "", backendLabels)}, {ObjectMeta: meta("unlabelled", "app", foreign)},
		},
		replicaSets: []appsv1.ReplicaSet{
			{ObjectMeta: meta("rs", "deployment", backendLabels)}, {ObjectMeta: meta("user's rs", "user's", backendLabels)},
			{ObjectMeta: meta("earlier rs", "earlier app's", backendLabels)}, {ObjectMeta: meta("bare rs", "", backendLabels)},
		},
		pods: []corev1.Pod{
			{ObjectMeta: meta("pod", "rs", backendLabels)}, {ObjectMeta: meta("labelled pod", "", backendLabels)},
			{ObjectMeta: meta("user's pod", "user's rs", backendLabels)}, {ObjectMeta: meta("earlier pod", "earlier rs", backendLabels)},
			{ObjectMeta: meta("pod of another kind", "app", backendLabels)}, {ObjectMeta: meta("relabelled pod", "rs", foreign)},
		},
	}
	w.own = ownWorkloads(app, w)
	for i := range w.pods {
		pod := &w.pods[i]
		if w.ownPod(pod) != (pod.Name == "pod") {
			t.Errorf("%s counts as the operator's own: %t", pod.Name, pod.Name != "pod")
		}
	}
	for i := range w.replicaSets {
		if rs := &w.replicaSets[i]; w.ownReplicaSet(rs) != (rs.Name == "rs") {
			t.Errorf("%s counts as the operator's own: %t", rs.Name, rs.Name != "rs")
		}
	}
}

// TestWhatAPodMayAnswer: a pod makes the operator neither follow a redirect nor keep a large header or body.
func TestWhatAPodMayAnswer(t *testing.T) {
	var redirected atomic.Bool
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"versions": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"versions": [1]}`)) }, ""},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			redirected.Store(redirected.Load() || r.URL.Path != "/keyring")
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, "answers 302 at "},
		"a fat header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Fat", strings.Repeat("x", 64<<10))
			_, _ = w.Write([]byte(`{"versions": [1]}`))
		}, "does not answer at "},
		"a fat body": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"versions": [` + strings.Repeat("1,", 64<<10) + `1]}`))
		}, "gives an unreadable answer at "},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			v := NewVerifiers()
			defer v.client.CloseIdleConnections()
			got := v.request(t.Context(), server.Listener.Addr().String())
			versions, err := got.versions, got.err
			good := c.want == "" && err == nil && same(versions, []int64{1})
			if !good && (c.want == "" || err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v (%v)", versions, err)
			}
		})
	}
	if redirected.Load() {
		t.Error("a redirect was followed")
	}
}
