package webhook

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// origin is what kind of thing a pod takes a value from.
type origin string

const (
	fromSecret    origin = "Secret"
	fromConfigMap origin = "ConfigMap"
	fromLiteral   origin = "literal value"
	fromElsewhere origin = "field or file"
)

// draw is one place of a pod that takes in entries: a variable, an envFrom or a volume.
type draw struct {
	at   *field.Path
	from origin
	// name of the Secret or ConfigMap.
	name string
	// variable and entry are set for a variable; for a volume's item they are the file's name and the entry.
	variable, entry string
	// whole says that every entry is taken, its name behind the prefix.
	whole  bool
	prefix string
}

// variables are the shared secret's own. They are what a workload must take from its app's Secret and nowhere else.
var variables = []string{keyring.EntrySecret, keyring.EntrySecrets}

// taken lists the shared secret's variables that a draw brings in, given the entries of what it draws from whole.
func (d draw) taken(entries []string) []string {
	var taken []string
	for _, v := range variables {
		whole := d.whole && slices.ContainsFunc(entries, func(e string) bool { return d.prefix+e == v })
		if whole || !d.whole && (d.variable == v || d.entry == v) {
			taken = append(taken, v)
		}
	}
	return taken
}

// completed lists the shared secret's variables that its prefix may make of entries of other names, whichever there are.
func (d draw) completed() []string {
	return slices.DeleteFunc(slices.Clone(variables), func(v string) bool {
		return !d.whole || d.prefix == "" || d.prefix == v || !strings.HasPrefix(v, d.prefix)
	})
}

// draws lists every place of a pod that takes in entries, in whatever container or volume.
func draws(pod *corev1.PodSpec, at *field.Path) []draw {
	var all []draw
	for i := range pod.InitContainers {
		c := &pod.InitContainers[i]
		all = append(all, containerDraws(c.Env, c.EnvFrom, at.Child("initContainers").Key(c.Name))...)
	}
	for i := range pod.Containers {
		c := &pod.Containers[i]
		all = append(all, containerDraws(c.Env, c.EnvFrom, at.Child("containers").Key(c.Name))...)
	}
	for i := range pod.EphemeralContainers {
		c := &pod.EphemeralContainers[i]
		all = append(all, containerDraws(c.Env, c.EnvFrom, at.Child("ephemeralContainers").Key(c.Name))...)
	}
	for i := range pod.Volumes {
		all = append(all, volumeDraws(&pod.Volumes[i], at.Child("volumes").Key(pod.Volumes[i].Name))...)
	}
	return all
}

func containerDraws(env []corev1.EnvVar, envFrom []corev1.EnvFromSource, at *field.Path) []draw {
	var all []draw
	for _, e := range env {
		all = append(all, variableDraw(e, at.Child("env").Key(e.Name)))
	}
	for i, e := range envFrom {
		d := draw{at: at.Child("envFrom").Index(i), whole: true, prefix: e.Prefix}
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

func variableDraw(e corev1.EnvVar, at *field.Path) draw {
	d := draw{at: at, variable: e.Name, from: fromLiteral}
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

func volumeDraws(v *corev1.Volume, at *field.Path) []draw {
	var all []draw
	if s := v.Secret; s != nil {
		all = append(all, fileDraws(fromSecret, s.SecretName, s.Items, at.Child("secret"))...)
	}
	if c := v.ConfigMap; c != nil {
		all = append(all, fileDraws(fromConfigMap, c.Name, c.Items, at.Child("configMap"))...)
	}
	if d := v.DownwardAPI; d != nil {
		all = append(all, fieldDraws(d.Items, at.Child("downwardAPI"))...)
	}
	if v.Projected == nil {
		return all
	}
	for i, p := range v.Projected.Sources {
		source := at.Child("projected", "sources").Index(i)
		if s := p.Secret; s != nil {
			all = append(all, fileDraws(fromSecret, s.Name, s.Items, source.Child("secret"))...)
		}
		if c := p.ConfigMap; c != nil {
			all = append(all, fileDraws(fromConfigMap, c.Name, c.Items, source.Child("configMap"))...)
		}
		if d := p.DownwardAPI; d != nil {
			all = append(all, fieldDraws(d.Items, source.Child("downwardAPI"))...)
		}
	}
	return all
}

func fileDraws(from origin, name string, items []corev1.KeyToPath, at *field.Path) []draw {
	if len(items) == 0 {
		return []draw{{at: at, from: from, name: name, whole: true}}
	}
	var all []draw
	for i, item := range items {
		all = append(all, draw{
			at: at.Child("items").Index(i), from: from, name: name, variable: path.Base(item.Path), entry: item.Key,
		})
	}
	return all
}

func fieldDraws(items []corev1.DownwardAPIVolumeFile, at *field.Path) []draw {
	var all []draw
	for i, item := range items {
		all = append(all, draw{at: at.Child("items").Index(i), from: fromElsewhere, variable: path.Base(item.Path)})
	}
	return all
}
