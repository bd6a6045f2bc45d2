package main

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// TestAFailedReadOfAMountedSecretIsRepeated verifies that a pod does not keep old keys because the API server was away when the
// pod's annotations changed.
func TestAFailedReadOfAMountedSecretIsRepeated(t *testing.T) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-backend-1", UID: "1", ResourceVersion: "2",
			Labels: map[string]string{todov1.LabelApp: "shop", todov1.LabelComponent: todov1.ComponentBackend}},
		Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: "auth", VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: "shop-backend-auth"}}}}},
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-backend-auth"},
		Data:       map[string][]byte{keyring.EntrySecrets: []byte("2:second,1:first")},
	}
	api, away := fake.NewClientset(secret), true
	api.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return away, nil, errors.New("the API server is away")
	})
	key := types.NamespacedName{Namespace: "shop", Name: "shop-backend-1"}
	running := &container{uid: "1", revision: "1", versions: []int64{1}}
	k := &kubelet{client: api, running: map[types.NamespacedName]*container{key: running}}
	if err := k.run(t.Context(), key, pod); err == nil {
		t.Fatal("a read that fails returns no error")
	}
	away = false
	if err := k.run(t.Context(), key, pod); err != nil {
		t.Fatal(err)
	}
	if !running.uses(2) {
		t.Errorf("the pod uses %v after the second attempt, want version 2", running.versions)
	}
}
