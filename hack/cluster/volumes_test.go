package main

import (
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func claim(change func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	class := "standard"
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name: "data", Namespace: "team", UID: "1234", Annotations: map[string]string{selectedNode: "todoapp"},
		},
		Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class},
	}
	if change != nil {
		change(c)
	}
	return c
}

func TestClaimsThatAreProvidedFor(t *testing.T) {
	now, other := metav1.Now(), "other"
	for _, test := range []struct {
		what   string
		change func(*corev1.PersistentVolumeClaim)
		want   bool
	}{
		{"waiting", nil, true},
		{"no pod yet", func(c *corev1.PersistentVolumeClaim) { c.Annotations = nil }, false},
		{"bound", func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = "v" }, false},
		{"being deleted", func(c *corev1.PersistentVolumeClaim) { c.DeletionTimestamp = &now }, false},
		{"of another class", func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = &other }, false},
		{"of no class", func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = nil }, false},
	} {
		if got := new(supervisor).waits(claim(test.change)); got != test.want {
			t.Errorf("%s: %t, want %t", test.what, got, test.want)
		}
	}
}

func TestVolumeComesAndGoes(t *testing.T) {
	s := &supervisor{layout: testLayout(t), client: fake.NewClientset()}
	volumes := s.client.CoreV1().PersistentVolumes()
	for range 2 { // a second call must succeed
		if err := s.provide(t.Context(), claim(nil)); err != nil {
			t.Fatal(err)
		}
	}
	volume, err := volumes.Get(t.Context(), "pvc-1234", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(volume.Spec.Local.Path)
	if err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("directory: %v, %v", info, err)
	}
	for _, phase := range []corev1.PersistentVolumePhase{corev1.VolumeBound, corev1.VolumeReleased} {
		volume.Status.Phase = phase
		if err := s.reclaim(t.Context(), volume); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(volume.Spec.Local.Path)
		if gone := os.IsNotExist(err); gone != (phase == corev1.VolumeReleased) {
			t.Errorf("%s: data gone: %t", phase, gone)
		}
	}
	if _, err := volumes.Get(t.Context(), "pvc-1234", metav1.GetOptions{}); err == nil {
		t.Error("the volume is still there")
	}
}
