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

var (
	specPath     = field.NewPath("spec")
	frontendPath = specPath.Child("frontend", "secretRef", "name")
	backendPath  = specPath.Child("backend", "secretRef", "name")
	keyringPath  = field.NewPath("metadata", "name")
	sourcePath   = specPath.Child("auth", "source", "secretRef")
	sourceName   = sourcePath.Child("name")
)

// secrets are the Secrets that exist of those that a TodoApp refers to, by name.
type secrets map[string]*corev1.Secret

// reference is one place where a TodoApp names a Secret, and of a source the entry in it.
type reference struct {
	at        *field.Path
	name, key string
}

// sides are the two references whose Secrets the operator writes.
func sides(app *todov1.TodoApp) []reference {
	return []reference{{at: frontendPath, name: desired.FrontendSecret(app)}, {at: backendPath, name: desired.BackendSecret(app)}}
}

// references are all of the app's: both sides, its keyring, and its source if it has one.
func references(app *todov1.TodoApp) []reference {
	all := append(sides(app), reference{at: keyringPath, name: desired.Keyring(app)})
	if source := app.Spec.Auth.Source; source != nil {
		all = append(all, reference{at: sourceName, name: source.SecretRef.Name, key: source.SecretRef.Key})
	}
	return all
}

// newReferences are those that an update did not leave as they were; all of them on creation, where old is nil.
func newReferences(old, app *todov1.TodoApp) []reference {
	all := references(app)
	if old == nil {
		return all
	}
	before := references(old)
	return slices.DeleteFunc(all, func(ref reference) bool { return slices.Contains(before, ref) })
}

// written are those of references whose Secrets the operator writes for a side.
func written(references []reference) []reference {
	return slices.DeleteFunc(slices.Clone(references), func(ref reference) bool {
		return ref.at != frontendPath && ref.at != backendPath
	})
}

// names of what references refer to, each once.
func names(references []reference) []string {
	var all []string
	for _, ref := range references {
		all = append(all, ref.name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkTodoApp applies every rule; old is nil on creation. What an update leaves as it was has been decided before and is
// not held against it, but a Secret that is referred to anew must go with the other side's. Of the Secrets that the app
// refers to found has those that exist and a decision is about; others are the namespace's apps, where that matters.
func checkTodoApp(old, app *todov1.TodoApp, found secrets, others []todov1.TodoApp) (field.ErrorList, []string) {
	refusals, warnings := checkDeliveries(app, found), warnURL(app)
	if old != nil {
		refusals = append(refusals, checkStorage(old, app)...)
	}
	anew := newReferences(old, app)
	if len(anew) == 0 {
		return refusals, warnings
	}
	refusals = append(refusals, checkNames(app)...)
	if ofOwners := checkOwners(app, anew, found, others); len(ofOwners) > 0 {
		return append(refusals, ofOwners...), warnings // nothing is said about what another app's Secrets hold
	}
	refusals = append(refusals, append(checkWritable(anew, found), checkSides(app, anew, found)...)...)
	if slices.ContainsFunc(anew, func(ref reference) bool { return ref.at == sourceName }) {
		ofSource, warningsOfSource := checkSource(app.Spec.Auth.Source.SecretRef, found)
		refusals, warnings = append(refusals, ofSource...), append(warnings, warningsOfSource...)
	}
	return refusals, warnings
}

// checkSides applies the rules about the contents of both components' Secrets: secret-mismatch before the app has a ring,
// secret-replacement after.
func checkSides(app *todov1.TodoApp, anew []reference, found secrets) field.ErrorList {
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
	at, message := frontendPath, fmt.Sprintf("Secrets %q and %q hold different secrets: make them equal or delete one", front, back)
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
	// An unreadable ring is one that contains nothing; the controller reports it.
	ring, _ := keyring.Unmarshal(stored.Data)
	var refusals field.ErrorList
	for _, ref := range written(anew) {
		secret := found[ref.name]
		permitted := app.Annotations[todov1.AnnotationReplaceSecret] == ref.name
		if permitted || desired.MadeFor(secret, app) || ring.Covers(data(secret)) {
			continue
		}
		message := fmt.Sprintf("Secret %q holds another secret: to replace it, annotate %s=%s",
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
		message := fmt.Sprintf("Secret %q has no entry %q: name one that it has", ref.Name, ref.Key)
		return field.ErrorList{refuse(ruleSource, sourcePath.Child("key"), message)}, nil
	}
	if err := keyring.Check(keyring.Value(value)); err != nil {
		message := fmt.Sprintf("entry %q of Secret %q %v", ref.Key, ref.Name, err)
		return field.ErrorList{refuse(ruleSource, sourcePath, message)}, nil
	}
	return nil, nil
}

// checkNames is about app names so long that the operator shortens what it derives from them, which the schema's own
// rule does not see.
func checkNames(app *todov1.TodoApp) field.ErrorList {
	var refusals field.ErrorList
	seen := map[string]bool{}
	for _, ref := range references(app) {
		if seen[ref.name] {
			message := fmt.Sprintf("Secret %q is named twice: give each side and the source its own", ref.name)
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

// elsewhere is where a backend image keeps tasks that brings its own storage.
const elsewhere = "none"

// storageKind is where the tasks of an app are.
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

// warnLeft is about Secrets that an update lets go of. The operator deletes what it owns, and that is what it adopted too.
func warnLeft(old, app *todov1.TodoApp) []string {
	var warnings []string
	before := sides(old)
	for i, now := range sides(app) {
		if left := before[i].name; !slices.Contains(desired.Secrets(app), left) {
			warnings = append(warnings, fmt.Sprintf(
				"%s: Secret %q is deleted if the operator owns it: point workloads that read it to %q", now.at, left, now.name))
		}
	}
	return warnings
}

// warnURL is about cookies that would travel in the clear.
func warnURL(app *todov1.TodoApp) []string {
	at, err := url.Parse(app.Spec.Frontend.URL)
	if err != nil || at.Scheme != "http" || isLocal(at.Hostname()) {
		return nil
	}
	return []string{"spec.frontend.url: http sends session cookies in the clear: use https anywhere but on localhost"}
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
