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

// reserved are the variables that only the operator sets.
var reserved = []string{
	keyring.EntrySecret, keyring.EntrySecrets, keyring.EntryKeyVersion, keyring.EntryCookieVersions,
	keyring.EntryLegacySecret, "BETTER_AUTH_URL",
}

// checkEnv is T5: a side's env neither sets a reserved variable nor draws one in under another name.
func checkEnv(app *todov1.TodoApp) field.ErrorList {
	refusals := checkVariables(app, specPath.Child("frontend", "env"), app.Spec.Frontend.Env)
	return append(refusals, checkVariables(app, specPath.Child("backend", "env"), app.Spec.Backend.Env)...)
}

func checkVariables(app *todov1.TodoApp, at *field.Path, env []corev1.EnvVar) field.ErrorList {
	own := []string{desired.Keyring(app), desired.FrontendSecret(app), desired.BackendSecret(app)}
	var refusals field.ErrorList
	for _, e := range env {
		from, entry := drawn(e)
		var message string
		switch {
		case slices.Contains(reserved, e.Name):
			message = fmt.Sprintf("the operator sets %s itself: remove it", e.Name)
		case slices.Contains(reserved, entry):
			message = fmt.Sprintf("%s draws in %s, which the operator sets itself: remove it", e.Name, entry)
		case from != "" && slices.Contains(own, from):
			message = fmt.Sprintf("%s draws from Secret %q, which the operator delivers itself: remove it", e.Name, from)
		default:
			continue
		}
		refusals = append(refusals, refuse(ruleEnv, at.Key(e.Name), message))
	}
	return refusals
}

// drawn is the Secret, if it is one, and the entry that a variable takes its value from.
func drawn(e corev1.EnvVar) (secret, entry string) {
	switch from := e.ValueFrom; {
	case from == nil:
		return "", ""
	case from.SecretKeyRef != nil:
		return from.SecretKeyRef.Name, from.SecretKeyRef.Key
	case from.ConfigMapKeyRef != nil:
		return "", from.ConfigMapKeyRef.Key
	default:
		return "", ""
	}
}
