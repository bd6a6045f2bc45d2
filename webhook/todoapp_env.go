package webhook

import (
	"fmt"
	"maps"
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
	// secret or configMap is the name of the object that the value comes from; both are empty for another origin. entry is empty
	// for all entries.
	secret, configMap, entry string
	// whole reports that every entry is injected, under its name behind the prefix.
	whole  bool
	prefix string
}

// injections returns all injected values of an app, without the Secrets that the operator injects itself.
func injections(app *todov1.TodoApp) []injection {
	frontend, backend := specPath.Child("frontend"), specPath.Child("backend")
	all := variablesOf(frontend.Child("env"), app.Spec.Frontend.Env)
	all = append(all, variablesOf(backend.Child("env"), app.Spec.Backend.Env)...)
	all = append(all, templateInjections(frontend.Child("template"), &app.Spec.Frontend.Template)...)
	all = append(all, templateInjections(backend.Child("template"), &app.Spec.Backend.Template)...)
	if database := app.Spec.Frontend.Database; database != nil {
		all = append(all, databaseInjections(frontend.Child("database"), database)...)
	}
	if database := app.Spec.Backend.Storage.Postgres; database != nil {
		all = append(all, databaseInjections(backend.Child("storage", "postgres"), database)...)
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
			d.configMap, d.entry = from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key
		}
		all = append(all, d)
	}
	return all
}

// databaseInjections returns the URL of a database and, if it is named, the certificate authority.
func databaseInjections(at *field.Path, database *todov1.DatabaseSpec) []injection {
	ref, ca := database.URLSecretRef, database.CARef
	all := []injection{{at: at.Child("urlSecretRef"), what: "DATABASE_URL", secret: ref.Name, entry: ref.Key}}
	switch {
	case ca == nil:
	case ca.Kind == todov1.KindConfigMap:
		all = append(all, injection{at: at.Child("caRef"), what: "caRef", configMap: ca.Name, entry: ca.Key})
	default:
		all = append(all, injection{at: at.Child("caRef"), what: "caRef", secret: ca.Name, entry: ca.Key})
	}
	return all
}

// newlyInjected returns the names of the Secrets and of the ConfigMaps from which an update injects a value for the first time. It
// leaves out the app's own Secrets, which are refused without being read, and ConfigMaps of which single entries are injected.
func newlyInjected(old, app *todov1.TodoApp) (secrets, configMaps []string) {
	known, knownMaps := desired.Secrets(app), []string{}
	if old != nil {
		for _, d := range injections(old) {
			known, knownMaps = append(known, d.secret), append(knownMaps, d.wholeConfigMap())
		}
	}
	for _, d := range injections(app) {
		if d.secret != "" && !slices.Contains(known, d.secret) {
			secrets = append(secrets, d.secret)
		}
		if name := d.wholeConfigMap(); name != "" && !slices.Contains(knownMaps, name) {
			configMaps = append(configMaps, name)
		}
	}
	return secrets, configMaps
}

// wholeConfigMap returns the name of a ConfigMap of which every entry is injected; empty for anything else.
func (d injection) wholeConfigMap() string {
	if !d.whole {
		return ""
	}
	return d.configMap
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
		if message := misinjected(app, d, found[d.secret]); message != "" {
			refusals = append(refusals, refuse(ruleEnv, d.at, message))
		}
	}
	return refusals
}

// misinjected returns why a value may not be injected, and what to do; empty if it may. The Secret that the value comes from is
// nil if it was not read or does not exist.
func misinjected(app *todov1.TodoApp, d injection, secret *corev1.Secret) string {
	source := app.Spec.Auth.Source
	switch {
	case slices.Contains(reserved, d.what):
		return fmt.Sprintf("the operator sets %s itself: remove it", d.what)
	case slices.Contains(reserved, d.entry):
		return fmt.Sprintf("%s reads %s, which the operator sets itself: remove it", d.what, d.entry)
	case slices.Contains(desired.Secrets(app), d.secret):
		return fmt.Sprintf("%s reads Secret %q, which the operator injects itself: remove it", d.what, d.secret)
	case isSource(app, d.secret, d.entry), d.whole && source != nil && source.SecretRef.Name == d.secret:
		return d.what + " reads the source, whose new values the backend does not trust yet: use BETTER_AUTH_SECRET"
	case secret == nil:
		return ""
	case desired.Managed(secret):
		return fmt.Sprintf("%s reads Secret %q, which holds keys of TodoApp %q: use another",
			d.what, d.secret, secret.Labels[todov1.LabelApp])
	}
	if entry := d.reservedEntry(slices.Sorted(maps.Keys(secret.Data))); entry != "" {
		return fmt.Sprintf("entry %s of Secret %q sets a variable of the operator: take its other entries by env", entry, d.secret)
	}
	return ""
}

// checkConfigMaps rejects ConfigMaps that are injected whole and hold a reserved variable (rule reserved-variable).
func checkConfigMaps(app *todov1.TodoApp, found map[string]*corev1.ConfigMap) field.ErrorList {
	var refusals field.ErrorList
	for _, d := range injections(app) {
		configMap := found[d.wholeConfigMap()]
		if configMap == nil {
			continue
		}
		entries := slices.Sorted(maps.Keys(configMap.Data))
		if entry := d.reservedEntry(append(entries, slices.Sorted(maps.Keys(configMap.BinaryData))...)); entry != "" {
			refusals = append(refusals, refuse(ruleEnv, d.at, fmt.Sprintf(
				"entry %s of ConfigMap %q sets a variable of the operator: take its other entries by env", entry, d.configMap)))
		}
	}
	return refusals
}
