package controllers

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// counted is an API server on which every Secret exists, and that counts the requests.
type counted struct {
	client.Reader
	requests int
}

// Get implements client.Reader.
func (c *counted) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	c.requests++
	into.(*corev1.Secret).Data = map[string][]byte{"a": []byte("b")} //nolint:forcetypeassert // nothing else is read
	return nil
}

// List implements client.Reader.
func (c *counted) List(context.Context, client.ObjectList, ...client.ListOption) error {
	c.requests++
	return nil
}

// TestCausesAreBounded: the pods of one app, of which each refers to a hundred Secrets, took ten thousand requests.
func TestCausesAreBounded(t *testing.T) {
	live := &counted{}
	r := &Reconciler{Live: live, Now: time.Now}
	w := &snapshot{own: map[types.UID]bool{}}
	for i := range 100 {
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(i), UID: types.UID(fmt.Sprint(i)),
			Labels: map[string]string{todov1.LabelComponent: todov1.ComponentBackend}}}
		pod.Spec.NodeName = "node"
		pod.Spec.Containers = []corev1.Container{{Name: "main"}}
		for j := range 100 {
			ref := &corev1.SecretKeySelector{Key: "a"}
			ref.Name = fmt.Sprint("secret-", i%2, "-", j)
			pod.Spec.Containers[0].Env = append(pod.Spec.Containers[0].Env,
				corev1.EnvVar{Name: fmt.Sprint("V", j), ValueFrom: &corev1.EnvVarSource{SecretKeyRef: ref}})
		}
		w.own[pod.UID] = true
		w.pods = append(w.pods, pod)
	}
	r.findCauses(t.Context(), w, &todov1.TodoApp{})
	if live.requests == 0 || live.requests > mostCauseReads {
		t.Errorf("%d requests are sent for the causes of one app", live.requests)
	}
}
