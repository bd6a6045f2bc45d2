package webhook

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	// maxObjects is how many Secrets and ConfigMaps one review may refer to. Each costs a read and an access review.
	maxObjects = 100
	// maxEntries is how many variables, envFrom entries, volumes and items one review may have. Each is held in memory.
	maxEntries = 10_000
)

// target is a Secret or ConfigMap that a review refers to.
type target struct {
	kind origin
	name string
}

// access is one place where a TodoApp or a workload makes an object's content available to a pod or to the operator.
type access struct {
	at *field.Path
	target
	// entry is the entry that is taken, or "" if all may be.
	entry string
	// adopts says that the operator takes over the Secret, if it exists and was not made for the app.
	adopts bool
	// token says that a service account's token is taken, of no Secret.
	token bool
}

// accessesOf returns every access of a TodoApp.
func accessesOf(app *todov1.TodoApp) []access {
	var all []access
	secret := func(at *field.Path, name, entry string, adopts bool) {
		all = append(all, access{at: at, target: target{fromSecret, name}, entry: entry, adopts: adopts})
	}
	if ref := app.Spec.Frontend.SecretRef; ref != nil {
		secret(frontendPath, ref.Name, "", true)
	}
	if ref := app.Spec.Backend.SecretRef; ref != nil {
		secret(backendPath, ref.Name, "", true)
	}
	if source := app.Spec.Auth.Source; source != nil {
		secret(sourcePath, source.SecretRef.Name, source.SecretRef.Key, false)
	}
	all = append(all, databaseAccesses(specPath.Child("frontend", "database"), app.Spec.Frontend.Database)...)
	all = append(all, databaseAccesses(specPath.Child("backend", "storage", "postgres"), app.Spec.Backend.Storage.Postgres)...)
	if ingress := app.Spec.Ingress; ingress != nil {
		secret(specPath.Child("ingress", "tlsSecretName"), ingress.TLSSecretName, "", false)
	}
	all = append(all, accessesOfComponent(specPath.Child("frontend"), &app.Spec.Frontend.WorkloadSpec)...)
	all = append(all, accessesOfComponent(specPath.Child("backend"), &app.Spec.Backend.WorkloadSpec)...)
	return named(all)
}

// databaseAccesses returns the accesses to the URL of a database and to its certificate authority.
func databaseAccesses(at *field.Path, database *todov1.DatabaseSpec) []access {
	if database == nil {
		return nil
	}
	url := database.URLSecretRef
	all := []access{{at: at.Child("urlSecretRef"), target: target{fromSecret, url.Name}, entry: url.Key}}
	if ca := database.CARef; ca != nil {
		from := fromSecret
		if ca.Kind == todov1.KindConfigMap {
			from = fromConfigMap
		}
		all = append(all, access{at: at.Child("caRef"), target: target{from, ca.Name}, entry: ca.Key})
	}
	return all
}

func accessesOfComponent(at *field.Path, spec *todov1.WorkloadSpec) []access {
	var all []access
	for _, e := range spec.Env {
		all = append(all, accessOf(variableReference(e, at.Child("env").Key(e.Name))))
	}
	for _, d := range templateReferences(at.Child("template"), &spec.Template) {
		all = append(all, accessOf(d))
	}
	return append(all, pullAccesses(at.Child("template", "imagePullSecrets"), spec.Template.ImagePullSecrets)...)
}

// accessesOfPod returns every access of a pod template's spec.
func accessesOfPod(pod *corev1.PodSpec, at *field.Path) []access {
	var all []access
	for _, d := range podReferences(pod, at) {
		all = append(all, accessOf(d))
	}
	all = append(all, pullAccesses(at.Child("imagePullSecrets"), pod.ImagePullSecrets)...)
	all = named(all)
	for i := range pod.Volumes {
		projected := pod.Volumes[i].Projected
		if projected == nil {
			continue
		}
		for j := range projected.Sources {
			if projected.Sources[j].ServiceAccountToken != nil {
				path := at.Child("volumes").Key(pod.Volumes[i].Name).Child("projected", "sources").Index(j)
				all = append(all, access{at: path.Child("serviceAccountToken"), entry: pod.Volumes[i].Name, token: true})
			}
		}
	}
	return all
}

func accessOf(d podReference) access {
	return access{at: d.at, target: target{d.from, d.name}, entry: d.entry}
}

func pullAccesses(at *field.Path, refs []corev1.LocalObjectReference) []access {
	var all []access
	for i, ref := range refs {
		all = append(all, access{at: at.Index(i), target: target{fromSecret, ref.Name}})
	}
	return all
}

// named leaves out what refers to no object: literal values, fields and empty names.
func named(all []access) []access {
	return slices.DeleteFunc(all, func(a access) bool { return a.name == "" || a.kind != fromSecret && a.kind != fromConfigMap })
}

// newAccesses returns the accesses that an update adds, wherever they are. All of them are new on creation.
func newAccesses(before, now []access) []access {
	type content struct {
		target
		entry         string
		adopts, token bool
	}
	contentOf := func(a access) content { return content{a.target, a.entry, a.adopts, a.token} }
	known := sets.New[content]()
	for _, a := range before {
		known.Insert(contentOf(a))
	}
	return slices.DeleteFunc(now, func(a access) bool { return known.Has(contentOf(a)) })
}

// checkNumber refuses accesses to more objects than a review may refer to.
func checkNumber(accesses []access, at *field.Path) field.ErrorList {
	objects := sets.New[target]()
	for _, a := range accesses {
		objects.Insert(a.target)
	}
	if objects.Len() <= maxObjects {
		return nil
	}
	return tooMany(at, fmt.Sprintf("refers to more than %d Secrets and ConfigMaps", maxObjects))
}

// checkSize refuses a review that would take much memory, before its accesses are listed.
func checkSize(entries int, at *field.Path) field.ErrorList {
	if entries <= maxEntries {
		return nil
	}
	return tooMany(at, fmt.Sprintf("has more than %d variables and volumes", maxEntries))
}

func tooMany(at *field.Path, what string) field.ErrorList {
	return field.ErrorList{refuse(ruleNumber, at, what+": split it up")}
}

// entriesOf counts all places of a TodoApp that may take in something.
func entriesOf(app *todov1.TodoApp) int {
	return len(app.Spec.Frontend.Env) + len(app.Spec.Backend.Env) +
		entriesOfTemplate(&app.Spec.Frontend.Template) + entriesOfTemplate(&app.Spec.Backend.Template)
}

// entriesOfPod counts all places of a pod that may take in something.
func entriesOfPod(pod *corev1.PodSpec) int {
	count := len(pod.ImagePullSecrets) + len(pod.Volumes)
	for _, containers := range [][]corev1.Container{pod.InitContainers, pod.Containers} {
		for i := range containers {
			count += len(containers[i].Env) + len(containers[i].EnvFrom)
		}
	}
	for i := range pod.EphemeralContainers {
		count += len(pod.EphemeralContainers[i].Env) + len(pod.EphemeralContainers[i].EnvFrom)
	}
	for i := range pod.Volumes {
		count += itemsOf(&pod.Volumes[i])
	}
	return count
}

// itemsOf counts the items of a volume, and of each source of a projected one.
func itemsOf(v *corev1.Volume) int {
	count := 0
	if v.Secret != nil {
		count += len(v.Secret.Items)
	}
	if v.ConfigMap != nil {
		count += len(v.ConfigMap.Items)
	}
	if v.DownwardAPI != nil {
		count += len(v.DownwardAPI.Items)
	}
	if v.Projected == nil {
		return count
	}
	for _, source := range v.Projected.Sources {
		count++
		if source.Secret != nil {
			count += len(source.Secret.Items)
		}
		if source.ConfigMap != nil {
			count += len(source.ConfigMap.Items)
		}
		if source.DownwardAPI != nil {
			count += len(source.DownwardAPI.Items)
		}
	}
	return count
}
