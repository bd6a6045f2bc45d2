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

// reserved lists the variables that only the operator sets.
var reserved = append(keyring.Entries(), "BETTER_AUTH_URL")

// injection is a value that a TodoApp has injected into a container, or into the controller of its Ingress.
type injection struct {
	at *field.Path
	// what names the variable or the user of the value.
	what string
	// secret is the name of the Secret that the value comes from; empty for another origin. entry is empty for all entries.
	secret, entry string
}

// injections returns all injected values of an app, without the Secrets that the operator injects itself.
func injections(app *todov1.TodoApp) []injection {
	frontend, backend := specPath.Child("frontend"), specPath.Child("backend")
	all := variablesOf(frontend.Child("env"), app.Spec.Frontend.Env)
	all = append(all, variablesOf(backend.Child("env"), app.Spec.Backend.Env)...)
	if database := app.Spec.Frontend.Database; database != nil {
		all = append(all, databaseURL(frontend.Child("database"), database))
	}
	if database := app.Spec.Backend.Storage.Postgres; database != nil {
		all = append(all, databaseURL(backend.Child("storage", "postgres"), database))
	}
	if ingress := app.Spec.Ingress; ingress != nil && ingress.TLSSecretName != "" {
		at := specPath.Child("ingress", "tlsSecretName")
		all = append(all, injection{at: at, what: "the Ingress", secret: ingress.TLSSecretName})
	}
	return all
}

func variablesOf(at *field.Path, env []corev1.EnvVar) []injection {
	var all []injection
	for _, e := range env {
		d := injection{at: at.Key(e.Name), what: e.Name}
		switch from := e.ValueFrom; {
		case from == nil:
		case from.SecretKeyRef != nil:
			d.secret, d.entry = from.SecretKeyRef.Name, from.SecretKeyRef.Key
		case from.ConfigMapKeyRef != nil:
			d.entry = from.ConfigMapKeyRef.Key
		}
		all = append(all, d)
	}
	return all
}

func databaseURL(at *field.Path, database *todov1.DatabaseSpec) injection {
	ref := database.URLSecretRef
	return injection{at: at.Child("urlSecretRef"), what: "DATABASE_URL", secret: ref.Name, entry: ref.Key}
}

// newlyInjected returns the names of the Secrets from which an update injects a value for the first time. It leaves out the
// app's own, which are refused without being read.
func newlyInjected(old, app *todov1.TodoApp) []string {
	known := desired.Secrets(app)
	if old != nil {
		for _, d := range injections(old) {
			known = append(known, d.secret)
		}
	}
	var anew []string
	for _, d := range injections(app) {
		if d.secret != "" && !slices.Contains(known, d.secret) {
			anew = append(anew, d.secret)
		}
	}
	return anew
}

// isSource reports whether an entry of a Secret is the app's source. A container that reads the source directly gets a new
// value before the backend trusts it.
func isSource(app *todov1.TodoApp, secret, entry string) bool {
	source := app.Spec.Auth.Source
	return source != nil && source.SecretRef.Name == secret && source.SecretRef.Key == entry
}

// checkInjections rejects values that only the operator may inject: a reserved variable, under its own or another name, the
// source, and any entry of a Secret that the operator manages (rule reserved-variable).
func checkInjections(app *todov1.TodoApp, found secrets) field.ErrorList {
	var refusals field.ErrorList
	for _, d := range injections(app) {
		secret := found[d.secret]
		var message string
		switch {
		case slices.Contains(reserved, d.what):
			message = fmt.Sprintf("the operator sets %s itself: remove it", d.what)
		case slices.Contains(reserved, d.entry):
			message = fmt.Sprintf("%s reads %s, which the operator sets itself: remove it", d.what, d.entry)
		case slices.Contains(desired.Secrets(app), d.secret):
			message = fmt.Sprintf("%s reads Secret %q, which the operator injects itself: remove it", d.what, d.secret)
		case isSource(app, d.secret, d.entry):
			message = d.what + " reads the source, whose new values the backend does not trust yet: use BETTER_AUTH_SECRET"
		case secret != nil && desired.Managed(secret):
			message = fmt.Sprintf("%s reads Secret %q, which holds keys of TodoApp %q: use another",
				d.what, d.secret, secret.Labels[todov1.LabelApp])
		default:
			continue
		}
		refusals = append(refusals, refuse(ruleEnv, d.at, message))
	}
	return refusals
}
