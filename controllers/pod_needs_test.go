package controllers

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// The entries that a volume makes files of are looked up, so that a certificate authority without its entry is named.
func TestAPodNeedsTheEntriesOfItsFiles(t *testing.T) {
	items := []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}
	pod := corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{
		{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "pg-ca", Items: items}}},
		{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "maybe", Optional: new(true)}}},
		{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "tls"}, Items: items}},
			{ConfigMap: &corev1.ConfigMapProjection{}},
		}}}},
	}}}
	want := []need{{"pg-ca", ""}, {"pg-ca", "ca.crt"}, {"tls", ""}, {"tls", "ca.crt"}}
	if got := needs(&pod); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
