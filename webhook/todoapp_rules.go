package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// checkTodoApp applies every rule and returns the refusals and the warnings. On creation old is nil. The rules about Secrets
// apply to new references only, but a newly referenced Secret must agree with that of the other component.
//
// The map found holds the existing Secrets that a rule reads. The slice others holds the TodoApps of the namespace if a rule
// needs them.
func checkTodoApp(old, app *todov1.TodoApp, found secrets, others []todov1.TodoApp) (field.ErrorList, []string) {
	refusals, warnings := checkInjections(app, found), warnings(old, app)
	if old != nil {
		refusals = append(refusals, checkStorage(old, app)...)
	}
	anew := newReferences(old, app)
	if len(anew) == 0 {
		return refusals, warnings
	}
	refusals = append(refusals, checkNames(app)...)
	if ofOwners := checkOwners(app, anew, found, others); len(ofOwners) > 0 {
		return append(refusals, ofOwners...), warnings // do not reveal the content of another owner's Secret
	}
	refusals = append(refusals, append(checkWritable(anew, found), checkContents(app, anew, found)...)...)
	if slices.ContainsFunc(anew, func(ref reference) bool { return ref.at == sourceName }) {
		ofSource, warningsOfSource := checkSource(app.Spec.Auth.Source.SecretRef, found)
		refusals, warnings = append(refusals, ofSource...), append(warnings, warningsOfSource...)
	}
	return refusals, warnings
}

// warnings returns the warnings about what an app's own fields say.
func warnings(old, app *todov1.TodoApp) []string {
	return slices.Concat(warnURL(app), warnPaused(old, app), warnReplicas(app))
}

// checkContents compares the Secrets of both components. It applies the rule secret-mismatch if the app has no ring yet, and
// secret-replacement if it has one.
func checkContents(app *todov1.TodoApp, anew []reference, found secrets) field.ErrorList {
	if ring := found[desired.Keyring(app)]; ring != nil {
		return checkReplacement(app, anew, found, ring)
	}
	return checkAdoption(app, found)
}

// checkAdoption rejects Secrets from which no ring can be made (rule secret-mismatch): if the app has no ring yet, its keys
// come from the two Secrets, so these must agree, and each with itself.
func checkAdoption(app *todov1.TodoApp, found secrets) field.ErrorList {
	front, back := desired.FrontendSecret(app), desired.BackendSecret(app)
	err := keyring.Recovery{Frontend: data(found[front]), Backend: data(found[back])}.Agree()
	if err == nil {
		return nil
	}
	at, message := frontendPath, fmt.Sprintf(
		"Secrets %q and %q hold different keys: make them equal or delete one", front, back)
	if unusable := new(keyring.UnusableError); errors.As(err, &unusable) {
		which := fmt.Sprintf("Secrets %q and %q", front, back)
		switch unusable.Component {
		case todov1.ComponentFrontend:
			which = fmt.Sprintf("Secret %q", front)
		case todov1.ComponentBackend:
			at, which = backendPath, fmt.Sprintf("Secret %q", back)
		}
		message = fmt.Sprintf("%s: %v: correct it", which, unusable.Why)
	}
	return field.ErrorList{refuse(ruleMismatch, at, message)}
}

// checkReplacement rejects references to a Secret whose value the ring does not hold (rule secret-replacement): the operator
// would overwrite that value.
func checkReplacement(app *todov1.TodoApp, anew []reference, found secrets, stored *corev1.Secret) field.ErrorList {
	// If the ring is unreadable it counts as empty. The controller reports the error.
	ring, _ := keyring.Unmarshal(stored.Data)
	var refusals field.ErrorList
	for _, ref := range ofComponents(anew) {
		secret := found[ref.name]
		permitted := app.Annotations[todov1.AnnotationReplaceSecret] == ref.name
		if permitted || desired.MadeFor(secret, app) || ring.Covers(data(secret)) {
			continue
		}
		message := fmt.Sprintf("Secret %q holds a different key: to replace it, annotate %s=%s",
			ref.name, todov1.AnnotationReplaceSecret, ref.name)
		refusals = append(refusals, refuse(ruleReplace, ref.at, message))
	}
	return refusals
}

func data(secret *corev1.Secret) map[string][]byte {
	if secret == nil {
		return nil
	}
	return secret.Data
}

// checkSource rejects a source without a usable value (rule weak-source). A source that does not exist yet is a warning.
func checkSource(ref todov1.SecretKeyReference, found secrets) (field.ErrorList, []string) {
	secret := found[ref.Name]
	if secret == nil {
		return nil, []string{fmt.Sprintf("%s: Secret %q does not exist yet: the app waits for it", sourcePath, ref.Name)}
	}
	value, ok := secret.Data[ref.Key]
	if !ok {
		message := fmt.Sprintf("Secret %q has no entry %q: name an entry that it has", ref.Name, ref.Key)
		return field.ErrorList{refuse(ruleSource, sourcePath.Child("key"), message)}, nil
	}
	if err := keyring.Check(keyring.Value(value)); err != nil {
		message := fmt.Sprintf("entry %q of Secret %q %v", ref.Key, ref.Name, err)
		return field.ErrorList{refuse(ruleSource, sourcePath, message)}, nil
	}
	return nil, nil
}

// checkNames rejects two references to one Secret. The schema has the same rule, but cannot see the names that the operator
// shortens.
func checkNames(app *todov1.TodoApp) field.ErrorList {
	var refusals field.ErrorList
	seen := map[string]bool{}
	for _, ref := range references(app) {
		if seen[ref.name] {
			message := fmt.Sprintf("Secret %q is named twice: replace one of the two names", ref.name)
			refusals = append(refusals, refuse(ruleSpec, ref.at, message))
		}
		seen[ref.name] = true
	}
	return refusals
}

// checkStorage rejects a change of the kind of storage (rule storage-change), because tasks are not moved. Removing the
// storage counts as a change too: otherwise the same change could be made in two steps.
func checkStorage(old, app *todov1.TodoApp) field.ErrorList {
	was, is := storageKind(old), storageKind(app)
	permitted := app.Annotations[todov1.AnnotationAllowStorageChange] == "true"
	if was == elsewhere || was == is || permitted {
		return nil
	}
	message := fmt.Sprintf("%s to %s leaves the tasks behind: to do it, annotate %s=true",
		was, is, todov1.AnnotationAllowStorageChange)
	return field.ErrorList{refuse(ruleStorage, specPath.Child("backend", "storage"), message)}
}

// elsewhere is the kind of storage of a backend image that brings its own.
const elsewhere = "none"

// storageKind returns where an app stores its tasks.
func storageKind(app *todov1.TodoApp) string {
	switch backend := app.Spec.Backend; {
	case backend.Storage.Postgres != nil:
		return "postgres"
	case backend.Storage.SQLite != nil || backend.Image == "":
		return "sqlite"
	default:
		return elsewhere
	}
}

// warnLeft warns about Secrets that an update no longer refers to. The operator deletes a Secret that it owns, and it owns the
// Secrets that it adopted.
func warnLeft(old, app *todov1.TodoApp) []string {
	var warnings []string
	before := componentReferences(old)
	for i, now := range componentReferences(app) {
		if left := before[i].name; !slices.Contains(desired.Secrets(app), left) {
			warnings = append(warnings, fmt.Sprintf(
				"%s: Secret %q is deleted if the operator owns it: point workloads that read it to %q", now.at, left, now.name))
		}
	}
	return warnings
}

// warnURL warns about session cookies without encryption.
func warnURL(app *todov1.TodoApp) []string {
	at, err := url.Parse(app.Spec.Frontend.URL)
	if err != nil || at.Scheme != "http" || isLocal(at.Hostname()) {
		return nil
	}
	return []string{"spec.frontend.url: http sends session cookies without encryption: use https except on localhost"}
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
