package webhook

import (
	"path"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// given is what an admitted pod is held against: it knows nothing of how the rules decide.
type given struct {
	own, other string
	absent     bool
	results    lookupResults
	// used are the Secrets that keys were taken from.
	used map[string]bool
}

// reader has what is around, keyrings and the app included.
func (g *given) reader() *reads {
	r := &reads{have: secrets{}, configMaps: g.results.configMaps}
	for name, entries := range g.results.secrets {
		r.have[name] = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string][]byte{}}
		for _, entry := range entries {
			r.have[name].Data[entry] = []byte("x")
		}
	}
	for name := range g.results.keyrings {
		labels := map[string]string{"todoapp.dev/component": "keyring"}
		r.have[name] = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	}
	if g.results.app != nil {
		r.apps = []todov1.TodoApp{*g.results.app}
	}
	return r
}

func shared(name string) bool { return name == "BETTER_AUTH_SECRET" || name == "BETTER_AUTH_SECRETS" }

// hold fails for what no admitted pod may be given.
func (g *given) hold(t *testing.T, spec *corev1.PodSpec) {
	g.used = map[string]bool{}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		g.container(t, c.Env, c.EnvFrom)
	}
	for _, c := range spec.EphemeralContainers {
		g.container(t, c.Env, c.EnvFrom)
	}
	for _, v := range spec.Volumes {
		if v.Secret != nil {
			g.files(t, true, v.Secret.SecretName, v.Secret.Items)
		}
		if v.ConfigMap != nil {
			g.files(t, false, v.ConfigMap.Name, v.ConfigMap.Items)
		}
		if v.DownwardAPI != nil {
			g.fields(t, v.DownwardAPI.Items)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.DownwardAPI != nil {
				g.fields(t, s.DownwardAPI.Items)
			}
			if s.Secret != nil {
				g.files(t, true, s.Secret.Name, s.Secret.Items)
			}
			if s.ConfigMap != nil {
				g.files(t, false, s.ConfigMap.Name, s.ConfigMap.Items)
			}
		}
	}
	if len(g.used) > 1 {
		t.Errorf("admitted keys from %v", g.used)
	}
}

func (g *given) container(t *testing.T, env []corev1.EnvVar, envFrom []corev1.EnvFromSource) {
	for _, e := range envFrom {
		if e.SecretRef != nil {
			g.whole(t, true, e.SecretRef.Name, e.Prefix)
		}
		if e.ConfigMapRef != nil {
			g.whole(t, false, e.ConfigMapRef.Name, e.Prefix)
		}
	}
	for _, e := range env {
		switch from := e.ValueFrom; {
		case from != nil && from.SecretKeyRef != nil:
			g.entry(t, true, from.SecretKeyRef.Name, from.SecretKeyRef.Key, e.Name)
		case from != nil && from.ConfigMapKeyRef != nil:
			g.entry(t, false, from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key, e.Name)
		case shared(e.Name):
			t.Errorf("admitted %v", e)
		}
	}
}

func (g *given) files(t *testing.T, secret bool, name string, items []corev1.KeyToPath) {
	if len(items) == 0 {
		g.whole(t, secret, name, "")
	}
	for _, i := range items {
		g.entry(t, secret, name, i.Key, path.Base(i.Path))
	}
}

func (*given) fields(t *testing.T, items []corev1.DownwardAPIVolumeFile) {
	for _, i := range items {
		if shared(path.Base(i.Path)) {
			t.Errorf("admitted a field as %q", i.Path)
		}
	}
}

// whole is about every entry of a source, under a prefix.
func (g *given) whole(t *testing.T, secret bool, name, prefix string) {
	entries := g.results.configMaps[name]
	if secret {
		g.readable(t, name, "key")
		entries = g.results.secrets[name]
	}
	for _, entry := range entries {
		if shared(prefix + entry) {
			g.take(t, secret, name, entry)
		}
		if shared(prefix+entry) && prefix != "" {
			t.Errorf("admitted entry %q as %q", entry, prefix+entry)
		}
	}
}

// entry is about one entry of a source, under a name of its own.
func (g *given) entry(t *testing.T, secret bool, name, entry, as string) {
	if secret {
		g.readable(t, name, entry)
	}
	if shared(entry) || shared(as) {
		g.take(t, secret, name, entry)
	}
	if shared(as) && entry != as {
		t.Errorf("admitted entry %q as %q", entry, as)
	}
}

// take is about a key that a pod is given.
func (g *given) take(t *testing.T, secret bool, name, entry string) {
	switch {
	case !secret:
		t.Errorf("admitted %s from ConfigMap %q", entry, name)
	case name != g.own && !g.absent:
		t.Errorf("admitted %s from Secret %q", entry, name)
	default:
		g.used[name] = true
	}
}

// readable is about an entry of a Secret that a pod reads, whatever it is called there.
func (g *given) readable(t *testing.T, name, entry string) {
	source := name == "vault" && entry == "key" && !g.absent
	if source || name == g.other || name == "shop-keyring" || name == "blog-keyring" {
		t.Errorf("admitted Secret %q", name)
	}
}
