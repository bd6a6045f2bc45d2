package webhook

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// checkWritable rejects references to a Secret that the API server, or the pods, would not take from the operator (rule
// unwritable-secret).
func checkWritable(anew []reference, found secrets) field.ErrorList {
	var refusals field.ErrorList
	for _, ref := range anew {
		if secret := found[ref.name]; secret != nil && ref.at != sourceName {
			if why := unwritable(secret); why != "" {
				refusals = append(refusals, refuse(ruleWritable, ref.at, fmt.Sprintf("Secret %q %s", ref.name, why)))
			}
		}
	}
	return refusals
}

// unwritable returns why no write of the operator to a Secret can succeed, and what to do; empty if it can.
func unwritable(secret *corev1.Secret) string {
	switch entry := keyring.Oversized(secret.Data); {
	case secret.Immutable != nil && *secret.Immutable:
		return "is immutable: copy it under another name"
	case secret.Type != "" && secret.Type != corev1.SecretTypeOpaque:
		return fmt.Sprintf("has the type %.40q: only Opaque can be adopted", secret.Type)
	case entry != "":
		return "has a value over 1 KiB in " + entry + ": no key is that long"
	default:
		return ""
	}
}

// warnAdopted warns that a keyring is found, that a Secret is about to be adopted, and that its key is weak.
func warnAdopted(app *todov1.TodoApp, anew []reference, found secrets) []string {
	var warnings []string
	created := slices.ContainsFunc(anew, func(ref reference) bool { return ref.at == keyringPath })
	if name := desired.Keyring(app); created && found[name] != nil {
		warnings = append(warnings, fmt.Sprintf("%s: Secret %q exists already: the TodoApp uses its keys", keyringPath, name))
	}
	for _, ref := range ofComponents(anew) {
		secret := found[ref.name]
		if secret == nil || desired.OwnershipOf(secret, app).Origin != desired.HandedOver {
			continue
		}
		warn := func(format string, args ...any) {
			warnings = append(warnings, fmt.Sprintf("%s: ", ref.at)+fmt.Sprintf(format, args...))
		}
		warn("Secret %q is owned, locked and deleted with the TodoApp from now on", ref.name)
		if why := keyring.WeakIn(secret.Data); why != nil && found[desired.Keyring(app)] == nil {
			warn("the key in Secret %q %v: rotate it once it is adopted", ref.name, why)
		}
	}
	return warnings
}
