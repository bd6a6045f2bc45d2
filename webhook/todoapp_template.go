package webhook

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// templateReferences returns the references that a component's template adds to its pods. They are read like those of a
// workload's pod.
func templateReferences(at *field.Path, template *todov1.PodTemplate) []podReference {
	all := containerReferences(nil, template.EnvFrom, at)
	for i := range template.Volumes {
		volume := podVolume(&template.Volumes[i])
		all = append(all, volumeReferences(&volume, at.Child("volumes").Key(volume.Name))...)
	}
	return all
}

// podVolume returns a volume as the pod has it. It leaves out the volumes that refer to no Secret and no ConfigMap.
func podVolume(v *todov1.Volume) corev1.Volume {
	volume := corev1.Volume{Name: v.Name}
	volume.Secret, volume.ConfigMap, volume.CSI = v.Secret, v.ConfigMap, v.CSI
	if v.Projected != nil {
		volume.Projected = &corev1.ProjectedVolumeSource{}
		for _, s := range v.Projected.Sources {
			volume.Projected.Sources = append(volume.Projected.Sources,
				corev1.VolumeProjection{Secret: s.Secret, ConfigMap: s.ConfigMap, DownwardAPI: s.DownwardAPI})
		}
	}
	return volume
}

// templateInjections returns the values that a component's template injects.
func templateInjections(at *field.Path, template *todov1.PodTemplate) []injection {
	var all []injection
	for _, d := range templateReferences(at, template) {
		what := d.variable
		if d.whole {
			what = "it"
		}
		i := injection{at: d.at, what: what, entry: d.entry, whole: d.whole, prefix: d.prefix}
		switch d.from {
		case fromSecret:
			i.secret = d.name
		case fromConfigMap:
			i.configMap = d.name
		}
		all = append(all, i)
	}
	return all
}

// entriesOfTemplate counts all places of a template that may take in something.
func entriesOfTemplate(template *todov1.PodTemplate) int {
	count := len(template.ImagePullSecrets) + len(template.EnvFrom) + len(template.Volumes)
	for i := range template.Volumes {
		volume := podVolume(&template.Volumes[i])
		count += itemsOf(&volume)
	}
	return count
}

// reservedEntry returns the first of an object's entries that becomes a variable which only the operator sets; empty if none does.
func (d injection) reservedEntry(entries []string) string {
	i := slices.IndexFunc(entries, func(entry string) bool { return slices.Contains(reserved, d.prefix+entry) })
	if !d.whole || i < 0 {
		return ""
	}
	return entries[i]
}
