package desired

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// maxName is the maximum length of a label value and of a Service's name.
const maxName = 63

// name returns the app's name with a suffix. If the result is too long, it is cut and gets a hash of the whole, to stay unique.
func name(app *todov1.TodoApp, suffix string) string {
	full := app.Name + "-" + suffix
	if len(full) <= maxName {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	hash := hex.EncodeToString(sum[:4])
	return app.Name[:maxName-len(suffix)-len(hash)-2] + "-" + hash + "-" + suffix
}

// Keyring returns the name of the Secret that holds the app's ring.
func Keyring(app *todov1.TodoApp) string { return name(app, "keyring") }

// Frontend returns the name of the frontend's Deployment and Service.
func Frontend(app *todov1.TodoApp) string { return name(app, "frontend") }

// Backend returns the name of the backend's Deployment and Service.
func Backend(app *todov1.TodoApp) string { return name(app, "backend") }

// Data returns the name of the claim for the backend's SQLite file.
func Data(app *todov1.TodoApp) string { return name(app, "data") }

// FrontendSecret returns the name of the Secret that the frontend reads.
func FrontendSecret(app *todov1.TodoApp) string {
	if ref := app.Spec.Frontend.SecretRef; ref != nil {
		return ref.Name
	}
	return name(app, "frontend-auth")
}

// BackendSecret returns the name of the Secret that the backend reads.
func BackendSecret(app *todov1.TodoApp) string {
	if ref := app.Spec.Backend.SecretRef; ref != nil {
		return ref.Name
	}
	return name(app, "backend-auth")
}

// Secrets returns the names of the Secrets that the operator writes for the app.
func Secrets(app *todov1.TodoApp) []string {
	return []string{Keyring(app), FrontendSecret(app), BackendSecret(app)}
}

// IndexNamedSecrets is the name of the cache's index of TodoApps by the Secrets that they name.
const IndexNamedSecrets = "namedSecrets"

// NamedSecrets returns the names of the Secrets that the operator writes for the app or reads as its source, each once.
func NamedSecrets(app *todov1.TodoApp) []string {
	names := Secrets(app)
	if source := app.Spec.Auth.Source; source != nil {
		names = append(names, source.SecretRef.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
