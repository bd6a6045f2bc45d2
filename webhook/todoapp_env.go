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
var reserved = append(keyring.Entries(), "BETTER_AUTH_URL")

// delivery is what a TodoApp has brought to a container, or to whoever serves its Ingress.
type delivery struct {
	at *field.Path
	// what is the variable or field that it is for.
	what string
	// secret is the name of the Secret that it comes from, if it comes from one, and entry the one it is, or all of them.
	secret, entry string
}

// deliveries are all of an app's besides the Secrets that the operator delivers itself.
func deliveries(app *todov1.TodoApp) []delivery {
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
		all = append(all, delivery{at: at, what: "the Ingress", secret: ingress.TLSSecretName})
	}
	return all
}

func variablesOf(at *field.Path, env []corev1.EnvVar) []delivery {
	var all []delivery
	for _, e := range env {
		d := delivery{at: at.Key(e.Name), what: e.Name}
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

func databaseURL(at *field.Path, database *todov1.DatabaseSpec) delivery {
	ref := database.URLSecretRef
	return delivery{at: at.Child("urlSecretRef"), what: "DATABASE_URL", secret: ref.Name, entry: ref.Key}
}

// newDelivered are the names of the Secrets that an update delivers and did not deliver before, the app's own left out:
// those are refused whatever they hold.
func newDelivered(old, app *todov1.TodoApp) []string {
	known := desired.Secrets(app)
	if old != nil {
		for _, d := range deliveries(old) {
			known = append(known, d.secret)
		}
	}
	var anew []string
	for _, d := range deliveries(app) {
		if d.secret != "" && !slices.Contains(known, d.secret) {
			anew = append(anew, d.secret)
		}
	}
	return anew
}

// isSource reports whether an entry of a Secret is where the app's secret comes from. What is read there directly changes
// without being published first.
func isSource(app *todov1.TodoApp, secret, entry string) bool {
	source := app.Spec.Auth.Source
	return source != nil && source.SecretRef.Name == secret && source.SecretRef.Key == entry
}

// checkDeliveries applies the rule reserved-variable: nothing sets a reserved variable, and nothing brings one, or what the
// source or a Secret of the operator holds, to a pod in another way than the operator's.
func checkDeliveries(app *todov1.TodoApp, found secrets) field.ErrorList {
	var refusals field.ErrorList
	for _, d := range deliveries(app) {
		secret := found[d.secret]
		var message string
		switch {
		case slices.Contains(reserved, d.what):
			message = fmt.Sprintf("the operator sets %s itself: remove it", d.what)
		case slices.Contains(reserved, d.entry):
			message = fmt.Sprintf("%s draws in %s, which the operator sets itself: remove it", d.what, d.entry)
		case slices.Contains(desired.Secrets(app), d.secret):
			message = fmt.Sprintf("%s draws from Secret %q, which the operator delivers itself: remove it", d.what, d.secret)
		case isSource(app, d.secret, d.entry):
			message = d.what + " draws in the source, whose new value nobody trusts yet: use BETTER_AUTH_SECRET"
		case secret != nil && desired.Managed(secret):
			message = fmt.Sprintf("%s draws from Secret %q, which holds keys of TodoApp %q: use another",
				d.what, d.secret, secret.Labels[todov1.LabelApp])
		default:
			continue
		}
		refusals = append(refusals, refuse(ruleEnv, d.at, message))
	}
	return refusals
}
