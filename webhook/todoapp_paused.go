package webhook

import (
	"fmt"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// warnPaused warns about a new revocation that a pause holds up, and about a value of the annotation that pauses nothing.
func warnPaused(old, app *todov1.TodoApp) []string {
	value, annotated := app.Annotations[todov1.AnnotationPaused]
	moment := app.Spec.Auth.Rotation.RevokeBefore
	asked := moment != nil && (old == nil || !moment.Equal(old.Spec.Auth.Rotation.RevokeBefore))
	switch {
	case !annotated || value == "false":
		return nil
	case !app.Paused():
		return []string{fmt.Sprintf("metadata.annotations: %s=%.20q does not pause the app: the value that does is \"true\"",
			todov1.AnnotationPaused, value)}
	case asked:
		return []string{fmt.Sprintf("spec.auth.rotation.revokeBefore: the app is paused and revokes no key: remove annotation %s",
			todov1.AnnotationPaused)}
	}
	return nil
}
