package desired

import (
	"cmp"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	caVolume    = "database-ca"
	caDirectory = "/etc/todoapp/database-ca"
	caFile      = "ca.crt"
)

// withCA mounts the certificate authority of a database, and names its file in variables. It changes nothing if the database names
// none.
func withCA(pod *corev1ac.PodSpecApplyConfiguration, c *corev1ac.ContainerApplyConfiguration, database *todov1.DatabaseSpec,
	variables ...string,
) {
	if database == nil || database.CARef == nil {
		return
	}
	ref, volume := database.CARef, corev1ac.Volume().WithName(caVolume)
	item := corev1ac.KeyToPath().WithKey(caKey(ref)).WithPath(caFile)
	if ref.Kind == todov1.KindConfigMap {
		volume.WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(ref.Name).WithItems(item))
	} else {
		volume.WithSecret(corev1ac.SecretVolumeSource().WithSecretName(ref.Name).WithItems(item))
	}
	pod.WithVolumes(volume)
	c.WithVolumeMounts(corev1ac.VolumeMount().WithName(caVolume).WithMountPath(caDirectory).WithReadOnly(true))
	for _, name := range variables {
		withVariables(c, variable(name, caDirectory+"/"+caFile))
	}
}

// caKey returns the entry of a reference to a certificate authority.
func caKey(ref *todov1.CAReference) string {
	return cmp.Or(ref.Key, caFile)
}

// Authority returns the entry that holds the certificate authority of a database; nil if the database names none.
func Authority(database *todov1.DatabaseSpec) *Source {
	ref := database.CARef
	if ref == nil {
		return nil
	}
	return &Source{cmp.Or(ref.Kind, todov1.KindSecret), ref.Name, caKey(ref)}
}

// Source is an entry of a Secret or ConfigMap that pods read when they start.
type Source struct{ Kind, Name, Key string }

// Sources returns the entries of its database that the pods of a component read, if a change of one is to restart the pods.
func Sources(app *todov1.TodoApp, component string) []Source {
	database := app.Spec.Backend.Storage.Postgres
	if component == todov1.ComponentFrontend {
		database = app.Spec.Frontend.Database
	}
	unmanaged := component == todov1.ComponentFrontend && app.Spec.Frontend.Image == ""
	if database == nil || database.OnChange == todov1.ChangeIgnore || unmanaged {
		return nil
	}
	sources := []Source{{todov1.KindSecret, database.URLSecretRef.Name, database.URLSecretRef.Key}}
	if authority := Authority(database); authority != nil {
		sources = append(sources, *authority)
	}
	return sources
}

// IndexSources is the name of the index of TodoApps by the objects of their sources.
const IndexSources = "sources"

// SourceObjects returns the objects of an app's sources, such as Secret/db, for the index.
func SourceObjects(app *todov1.TodoApp) []string {
	var objects []string
	for _, component := range []string{todov1.ComponentFrontend, todov1.ComponentBackend} {
		for _, source := range Sources(app, component) {
			objects = append(objects, source.Kind+"/"+source.Name)
		}
	}
	return objects
}
