package webhook

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func revoking(app *todov1.TodoApp) {
	app.Spec.Auth.Rotation.RevokeBefore = new(metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
}

var pausedCases = map[string]todoAppCase{
	"paused":                           {app: todoApp(annotated(todov1.AnnotationPaused, "true"))},
	"not paused":                       {app: todoApp(annotated(todov1.AnnotationPaused, "false"), revoking)},
	"a revocation of an app that runs": {app: todoApp(revoking)},
	"a revocation of a paused app": {
		app:     todoApp(annotated(todov1.AnnotationPaused, "true"), revoking),
		warning: "spec.auth.rotation.revokeBefore: the app is paused and revokes no key",
	},
	"a revocation of an app that was paused before": {
		old: todoApp(annotated(todov1.AnnotationPaused, "true")), app: todoApp(annotated(todov1.AnnotationPaused, "true"), revoking),
		warning: "spec.auth.rotation.revokeBefore: the app is paused and revokes no key",
	},
	"a revocation that was asked for before": {
		old: todoApp(revoking), app: todoApp(annotated(todov1.AnnotationPaused, "true"), revoking),
	},
	"a value that pauses nothing": {
		app: todoApp(annotated(todov1.AnnotationPaused, "True")), warning: `todoapp.dev/paused="True" does not pause the app`,
	},
	"another": {
		app: todoApp(annotated(todov1.AnnotationPaused, "yes")), warning: `todoapp.dev/paused="yes" does not pause the app`,
	},
	"an empty value": {
		app: todoApp(annotated(todov1.AnnotationPaused, "")), warning: `todoapp.dev/paused="" does not pause the app`,
	},
}
