package desired_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

func TestEveryReferenceToASecretIsFound(t *testing.T) {
	ref := corev1.LocalObjectReference{Name: "x"}
	container := func(c corev1.Container) corev1.PodSpec { return corev1.PodSpec{Containers: []corev1.Container{{}, c}} }
	volume := func(source corev1.VolumeSource) corev1.PodSpec {
		return corev1.PodSpec{Volumes: []corev1.Volume{{}, {VolumeSource: source}}}
	}
	whole := corev1.Container{EnvFrom: []corev1.EnvFromSource{{}, {SecretRef: &corev1.SecretEnvSource{LocalObjectReference: ref}}}}
	for name, pod := range map[string]corev1.PodSpec{
		"environment": container(whole),
		"variable": container(corev1.Container{Env: []corev1.EnvVar{{Name: "A"}, {Name: "B", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref}}}}}),
		"init container": {InitContainers: []corev1.Container{whole}},
		"volume":         volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "x"}}),
		"projected volume": volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{}, {Secret: &corev1.SecretProjection{LocalObjectReference: ref}}}}}),
	} {
		if !desired.UsesSecret(&pod, "x") {
			t.Errorf("%s: the reference is not found", name)
		}
		if desired.UsesSecret(&pod, "y") {
			t.Errorf("%s: it refers to another Secret", name)
		}
	}
}
