package webhook

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// checkOwners rejects references to a Secret that the operator may not write for the app, and to a source that belongs to
// another TodoApp (rule foreign-secret).
func checkOwners(app *todov1.TodoApp, anew []reference, found secrets, others []todov1.TodoApp) field.ErrorList {
	var refusals field.ErrorList
	for _, ref := range anew {
		secret := found[ref.name]
		if secret == nil {
			continue // if two apps name a Secret that does not exist yet, the controller decides which one gets it
		}
		message := claimed(app, ref, secret, others)
		if message == "" && ref.at != sourceName {
			message = foreign(app, secret)
		}
		if message != "" {
			refusals = append(refusals, refuse(ruleOwner, ref.at, message))
		}
	}
	return refusals
}

// claimed returns which other TodoApp has a right to a Secret: its owner, else a TodoApp that reads it or is to write it. It is
// empty if there is none.
func claimed(app *todov1.TodoApp, ref reference, secret *corev1.Secret, others []todov1.TodoApp) string {
	const message = "Secret %q %s TodoApp %q: choose another name"
	if owner := desired.Owner(secret); owner == app.Name {
		return ""
	} else if owner != "" {
		return fmt.Sprintf(message, ref.name, "belongs to", owner)
	}
	if len(ofComponents([]reference{ref})) == 0 {
		return "" // several apps may have one source
	}
	for i := range others {
		if claim := claimOn(ref.name, &others[i]); claim != "" && others[i].Name != app.Name {
			return fmt.Sprintf(message, ref.name, claim, others[i].Name)
		}
	}
	return ""
}

// foreign returns why the operator may not write a Secret for the app, and what its owner can do about it. It is empty if the
// operator may. If nothing but the mark is missing, the message is the command that sets it.
func foreign(app *todov1.TodoApp, secret *corev1.Secret) string {
	is := desired.OwnershipOf(secret, app)
	if !is.Foreign() {
		return ""
	}
	marked := &corev1.Secret{ObjectMeta: *secret.ObjectMeta.DeepCopy(), Data: secret.Data}
	if marked.Annotations == nil {
		marked.Annotations = map[string]string{}
	}
	unmarked := marked.Annotations[todov1.AnnotationAdopt] == ""
	marked.Annotations[todov1.AnnotationAdopt] = app.Name
	if unmarked && !desired.OwnershipOf(marked, app).Foreign() {
		return fmt.Sprintf("not this app's: to hand it over, run \"kubectl annotate secret %s %s=%s\"",
			secret.Name, todov1.AnnotationAdopt, app.Name)
	}
	return fmt.Sprintf("Secret %q %s", secret.Name, is)
}

// claimOn returns what another app does with a Secret of that name. It is empty for nothing, and if that app is being
// deleted.
func claimOn(name string, app *todov1.TodoApp) string {
	source := app.Spec.Auth.Source
	switch {
	case !app.DeletionTimestamp.IsZero():
		return ""
	case source != nil && source.SecretRef.Name == name:
		return "is the source of"
	case slices.Contains(desired.Secrets(app), name):
		return "is claimed by"
	default:
		return ""
	}
}
