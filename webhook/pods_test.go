package webhook

import corev1 "k8s.io/api/core/v1"

// Pieces of pods.

func pod(parts ...func(*corev1.PodSpec)) corev1.PodSpec {
	var spec corev1.PodSpec
	for _, part := range parts {
		part(&spec)
	}
	return spec
}

// web is a container with the app's own Secret, and more.
func web(more ...corev1.EnvFromSource) func(*corev1.PodSpec) {
	return container("web", nil, append([]corev1.EnvFromSource{wholeSecret("", "shop-frontend-auth")}, more...)...)
}

func container(name string, env []corev1.EnvVar, envFrom ...corev1.EnvFromSource) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) {
		p.Containers = append(p.Containers, corev1.Container{Name: name, Env: env, EnvFrom: envFrom})
	}
}

func env(e ...corev1.EnvVar) func(*corev1.PodSpec) { return container("web", e) }

func initContainer(envFrom ...corev1.EnvFromSource) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) {
		p.InitContainers = append(p.InitContainers, corev1.Container{Name: "init", EnvFrom: envFrom})
	}
}

func sidecar(envFrom ...corev1.EnvFromSource) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) {
		p.InitContainers = append(p.InitContainers, corev1.Container{
			Name: "sidecar", RestartPolicy: new(corev1.ContainerRestartPolicyAlways), EnvFrom: envFrom})
	}
}

func ephemeral(envFrom ...corev1.EnvFromSource) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) {
		p.EphemeralContainers = append(p.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", EnvFrom: envFrom}})
	}
}

// Containers of the other kinds, with variables of their own.

func initEnv(e ...corev1.EnvVar) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) { initContainer()(p); p.InitContainers[len(p.InitContainers)-1].Env = e }
}

func sidecarEnv(e ...corev1.EnvVar) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) { sidecar()(p); p.InitContainers[len(p.InitContainers)-1].Env = e }
}

func ephemeralEnv(e ...corev1.EnvVar) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) { ephemeral()(p); p.EphemeralContainers[len(p.EphemeralContainers)-1].Env = e }
}

func wholeSecret(prefix, name string) corev1.EnvFromSource {
	return corev1.EnvFromSource{Prefix: prefix, SecretRef: &corev1.SecretEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}}}
}

func wholeConfigMap(prefix, name string) corev1.EnvFromSource {
	return corev1.EnvFromSource{Prefix: prefix, ConfigMapRef: &corev1.ConfigMapEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}}}
}

func optional(e corev1.EnvVar) corev1.EnvVar {
	e.ValueFrom.SecretKeyRef.Optional = new(true)
	return e
}

func optionalWhole(e corev1.EnvFromSource) corev1.EnvFromSource {
	e.SecretRef.Optional = new(true)
	return e
}

func optionalConfigMap(e corev1.EnvVar) corev1.EnvVar {
	e.ValueFrom.ConfigMapKeyRef.Optional = new(true)
	return e
}

func optionalWholeConfigMap(e corev1.EnvFromSource) corev1.EnvFromSource {
	e.ConfigMapRef.Optional = new(true)
	return e
}

// optionalVolumes makes every volume's sources optional.
func optionalVolumes(p *corev1.PodSpec) {
	for _, v := range p.Volumes {
		if v.Secret != nil {
			v.Secret.Optional = new(true)
		}
		if v.ConfigMap != nil {
			v.ConfigMap.Optional = new(true)
		}
		if v.Projected == nil {
			continue
		}
		for i := range v.Projected.Sources {
			if s := v.Projected.Sources[i].Secret; s != nil {
				s.Optional = new(true)
			}
			if c := v.Projected.Sources[i].ConfigMap; c != nil {
				c.Optional = new(true)
			}
		}
	}
}

func volume(source corev1.VolumeSource) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) {
		p.Volumes = append(p.Volumes, corev1.Volume{Name: "auth", VolumeSource: source})
	}
}

func secretVolume(name string, items ...corev1.KeyToPath) func(*corev1.PodSpec) {
	return volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name, Items: items}})
}

func configMapVolume(name string, items ...corev1.KeyToPath) func(*corev1.PodSpec) {
	return volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: items}})
}

func projectedSecret(name string, items ...corev1.KeyToPath) func(*corev1.PodSpec) {
	return volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{DownwardAPI: &corev1.DownwardAPIProjection{}},
		{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: items}},
	}}})
}

func projectedConfigMap(name string, items ...corev1.KeyToPath) func(*corev1.PodSpec) {
	return volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: items}},
	}}})
}

// downwardAPI makes files of a field, by themselves or projected.
func downwardAPI(projected bool, paths ...string) func(*corev1.PodSpec) {
	var items []corev1.DownwardAPIVolumeFile
	for _, path := range paths {
		items = append(items, corev1.DownwardAPIVolumeFile{
			Path: path, FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['x']"}})
	}
	if projected {
		return volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: items}}}}})
	}
	return volume(corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: items}})
}

func item(key, path string) corev1.KeyToPath { return corev1.KeyToPath{Key: key, Path: path} }
