package webhook

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

var (
	specPath     = field.NewPath("spec")
	frontendPath = specPath.Child("frontend", "secretRef", "name")
	backendPath  = specPath.Child("backend", "secretRef", "name")
	keyringPath  = field.NewPath("metadata", "name")
	sourcePath   = specPath.Child("auth", "source", "secretRef")
	sourceName   = sourcePath.Child("name")
)

// secrets holds the Secrets that a TodoApp refers to and that exist, by name.
type secrets map[string]*corev1.Secret

// reference is a place where a TodoApp names a Secret. For a source it includes the entry.
type reference struct {
	at        *field.Path
	name, key string
}

// componentReferences returns the references to the Secrets of the frontend and the backend.
func componentReferences(app *todov1.TodoApp) []reference {
	return []reference{{at: frontendPath, name: desired.FrontendSecret(app)}, {at: backendPath, name: desired.BackendSecret(app)}}
}

// references returns all references of an app: those of both components, its keyring, and its source if it has one.
func references(app *todov1.TodoApp) []reference {
	all := append(componentReferences(app), reference{at: keyringPath, name: desired.Keyring(app)})
	if source := app.Spec.Auth.Source; source != nil {
		all = append(all, reference{at: sourceName, name: source.SecretRef.Name, key: source.SecretRef.Key})
	}
	return all
}

// newReferences returns the references that an update adds or changes. On creation, if old is nil, it returns all.
func newReferences(old, app *todov1.TodoApp) []reference {
	all := references(app)
	if old == nil {
		return all
	}
	before := references(old)
	return slices.DeleteFunc(all, func(ref reference) bool { return slices.Contains(before, ref) })
}

// ofComponents returns the references to Secrets that the operator writes for the frontend or the backend.
func ofComponents(references []reference) []reference {
	return slices.DeleteFunc(slices.Clone(references), func(ref reference) bool {
		return ref.at != frontendPath && ref.at != backendPath
	})
}

// names returns the names of the referenced Secrets, each once.
func names(references []reference) []string {
	var all []string
	for _, ref := range references {
		all = append(all, ref.name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
