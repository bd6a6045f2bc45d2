package webhook

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// origin is the kind of object, or the other place, from which a pod takes a value.
type origin string

const (
	fromSecret    origin = "Secret"
	fromConfigMap origin = "ConfigMap"
	fromLiteral   origin = "literal value"
	fromElsewhere origin = "field or file"
)

// podReference is one place where a pod takes in entries: a variable, an envFrom or a volume.
type podReference struct {
	at   *field.Path
	from origin
	// name of the Secret or ConfigMap.
	name string
	// variable and entry are the name of a variable and the entry it comes from. For a volume's item, variable is the file's name.
	variable, entry string
	// whole reports that every entry is taken, under its name behind the prefix.
	whole  bool
	prefix string
}

// variables are the variables with the shared keys. A workload must take them from its app's Secret.
var variables = []string{keyring.EntrySecret, keyring.EntrySecrets}

// taken returns the variables with the shared keys that a reference adds, given the entries of an object that it takes whole.
func (d podReference) taken(entries []string) []string {
	var taken []string
	for _, v := range variables {
		whole := d.whole && slices.ContainsFunc(entries, func(e string) bool { return d.prefix+e == v })
		if whole || !d.whole && (d.variable == v || d.entry == v) {
			taken = append(taken, v)
		}
	}
	return taken
}

// completed returns the variables with the shared keys that the prefix could form from entries of other names.
func (d podReference) completed() []string {
	return slices.DeleteFunc(slices.Clone(variables), func(v string) bool {
		return !d.whole || d.prefix == "" || d.prefix == v || !strings.HasPrefix(v, d.prefix)
	})
}

// podReferences returns every reference of a pod, of all its containers and volumes.
func podReferences(pod *corev1.PodSpec, at *field.Path) []podReference {
	var all []podReference
	for i := range pod.InitContainers {
		c := &pod.InitContainers[i]
		all = append(all, containerReferences(c.Env, c.EnvFrom, at.Child("initContainers").Key(c.Name))...)
	}
	for i := range pod.Containers {
		c := &pod.Containers[i]
		all = append(all, containerReferences(c.Env, c.EnvFrom, at.Child("containers").Key(c.Name))...)
	}
	for i := range pod.EphemeralContainers {
		c := &pod.EphemeralContainers[i]
		all = append(all, containerReferences(c.Env, c.EnvFrom, at.Child("ephemeralContainers").Key(c.Name))...)
	}
	for i := range pod.Volumes {
		all = append(all, volumeReferences(&pod.Volumes[i], at.Child("volumes").Key(pod.Volumes[i].Name))...)
	}
	return all
}

func containerReferences(env []corev1.EnvVar, envFrom []corev1.EnvFromSource, at *field.Path) []podReference {
	var all []podReference
	for _, e := range env {
		all = append(all, variableReference(e, at.Child("env").Key(e.Name)))
	}
	for i, e := range envFrom {
		d := podReference{at: at.Child("envFrom").Index(i), whole: true, prefix: e.Prefix}
		if e.SecretRef != nil {
			d.from, d.name = fromSecret, e.SecretRef.Name
			all = append(all, d)
		}
		if e.ConfigMapRef != nil {
			d.from, d.name = fromConfigMap, e.ConfigMapRef.Name
			all = append(all, d)
		}
	}
	return all
}

func variableReference(e corev1.EnvVar, at *field.Path) podReference {
	d := podReference{at: at, variable: e.Name, from: fromLiteral}
	switch from := e.ValueFrom; {
	case from == nil:
	case from.SecretKeyRef != nil:
		d.from, d.name, d.entry = fromSecret, from.SecretKeyRef.Name, from.SecretKeyRef.Key
	case from.ConfigMapKeyRef != nil:
		d.from, d.name, d.entry = fromConfigMap, from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key
	default:
		d.from = fromElsewhere
	}
	return d
}

func volumeReferences(v *corev1.Volume, at *field.Path) []podReference {
	var all []podReference
	if s := v.Secret; s != nil {
		all = append(all, fileReferences(fromSecret, s.SecretName, s.Items, at.Child("secret"))...)
	}
	if c := v.ConfigMap; c != nil {
		all = append(all, fileReferences(fromConfigMap, c.Name, c.Items, at.Child("configMap"))...)
	}
	if d := v.DownwardAPI; d != nil {
		all = append(all, fieldReferences(d.Items, at.Child("downwardAPI"))...)
	}
	if c := v.CSI; c != nil && c.NodePublishSecretRef != nil { // the driver gets all entries
		all = append(all, fileReferences(fromSecret, c.NodePublishSecretRef.Name, nil, at.Child("csi", "nodePublishSecretRef"))...)
	}
	if v.Projected == nil {
		return all
	}
	for i, p := range v.Projected.Sources {
		source := at.Child("projected", "sources").Index(i)
		if s := p.Secret; s != nil {
			all = append(all, fileReferences(fromSecret, s.Name, s.Items, source.Child("secret"))...)
		}
		if c := p.ConfigMap; c != nil {
			all = append(all, fileReferences(fromConfigMap, c.Name, c.Items, source.Child("configMap"))...)
		}
		if d := p.DownwardAPI; d != nil {
			all = append(all, fieldReferences(d.Items, source.Child("downwardAPI"))...)
		}
	}
	return all
}

func fileReferences(from origin, name string, items []corev1.KeyToPath, at *field.Path) []podReference {
	if len(items) == 0 {
		return []podReference{{at: at, from: from, name: name, whole: true}}
	}
	var all []podReference
	for i, item := range items {
		all = append(all, podReference{
			at: at.Child("items").Index(i), from: from, name: name, variable: path.Base(item.Path), entry: item.Key,
		})
	}
	return all
}

func fieldReferences(items []corev1.DownwardAPIVolumeFile, at *field.Path) []podReference {
	var all []podReference
	for i, item := range items {
		all = append(all, podReference{at: at.Child("items").Index(i), from: fromElsewhere, variable: path.Base(item.Path)})
	}
	return all
}
