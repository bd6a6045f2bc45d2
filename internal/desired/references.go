package desired

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// UsesSecret reports whether a pod mounts a Secret or reads it into its environment.
func UsesSecret(pod *corev1.PodSpec, secret string) bool {
	return slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return volumeUses(v, secret) }) ||
		slices.ContainsFunc(slices.Concat(pod.InitContainers, pod.Containers), func(c corev1.Container) bool {
			return environmentUses(c, secret)
		})
}

func volumeUses(volume corev1.Volume, secret string) bool {
	if volume.Secret != nil && volume.Secret.SecretName == secret {
		return true
	}
	return volume.Projected != nil && slices.ContainsFunc(volume.Projected.Sources, func(s corev1.VolumeProjection) bool {
		return s.Secret != nil && s.Secret.Name == secret
	})
}

func environmentUses(container corev1.Container, secret string) bool {
	return slices.ContainsFunc(container.EnvFrom, func(e corev1.EnvFromSource) bool {
		return e.SecretRef != nil && e.SecretRef.Name == secret
	}) || slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool {
		return e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && e.ValueFrom.SecretKeyRef.Name == secret
	})
}
