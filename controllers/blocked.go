package controllers

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// blocker describes a decision that only the app's owner can make. Until then nothing of the app is written.
type blocker struct {
	reason, message string
}

// blockerFor returns the first blocker of an app: a Secret of another app or another owner, an error of the step, or a Secret that
// the step would overwrite. It is nil if nothing blocks the app.
func blockerFor(app *todov1.TodoApp, observed *snapshot, step keyring.Step, err error) *blocker {
	if o := claimed(app, observed); o != nil {
		return o
	}
	if o := foreignSecret(app, observed); o != nil {
		return o
	}
	if errors.Is(err, keyring.ErrSourceMissing) {
		if o := claimedSource(app, observed); o != nil {
			return o
		}
	}
	if o := blockerForError(app, err); o != nil {
		return o
	}
	if err != nil {
		return nil
	}
	return conflict(app, observed, step.Ring)
}

// foreignError reports an object that was not written because it is foreign.
type foreignError struct{ message string }

func (e *foreignError) Error() string { return e.message }

// isForeign reports whether an error of an apply says that an object is foreign.
func isForeign(err error) bool { return errors.As(err, new(*foreignError)) }

// applyReason returns the reason of conditions and Events for an error of an apply.
func applyReason(err error) string {
	if isForeign(err) {
		return todov1.ReasonForeignObject
	}
	return todov1.ReasonApplyFailed
}

// foreignObject describes a foreign object under a desired object's name.
func foreignObject(kind string, object client.Object, ownership desired.Ownership) *foreignError {
	return &foreignError{fmt.Sprintf("%s %s %s", kind, object.GetName(), ownership)}
}

// foreignSecret blocks the app if one of its Secrets is foreign. The keys of such a Secret must not become the app's, so unlike
// other foreign objects it blocks everything.
func foreignSecret(app *todov1.TodoApp, observed *snapshot) *blocker {
	for _, secret := range []*corev1.Secret{
		observed.keyring, observed.secrets[todov1.ComponentFrontend], observed.secrets[todov1.ComponentBackend],
	} {
		if secret == nil {
			continue
		}
		if ownership := desired.OwnershipOf(secret, app); ownership.Foreign() {
			return &blocker{todov1.ReasonForeignObject, foreignObject("Secret", secret, ownership).Error() + "."}
		}
	}
	return nil
}

// blockerForError returns the blocker for an error of the step, and nil if the owner cannot resolve the error.
func blockerForError(app *todov1.TodoApp, err error) *blocker {
	front, back := desired.FrontendSecret(app), desired.BackendSecret(app)
	switch {
	case errors.Is(err, keyring.ErrDiffer):
		return &blocker{todov1.ReasonSecretsDiffer, fmt.Sprintf(
			"Secrets %s and %s hold different keys: make them equal, or delete the wrong one.",
			front, back)}
	case errors.Is(err, keyring.ErrUnusable):
		which := front + " or " + back
		if one := new(keyring.UnusableError); errors.As(err, &one) && one.Component != "" {
			which = map[string]string{todov1.ComponentFrontend: front, todov1.ComponentBackend: back}[one.Component]
		}
		return &blocker{todov1.ReasonSecretUnusable, fmt.Sprintf("%s: correct or delete Secret %s.", err, which)}
	case errors.Is(err, keyring.ErrSourceMissing):
		source := app.Spec.Auth.Source.SecretRef
		return &blocker{todov1.ReasonSourceMissing, fmt.Sprintf(
			"Secret %s has no usable entry %s yet: create it, or remove spec.auth.source.", source.Name, source.Key)}
	case errors.Is(err, errKeyringUnreadable):
		return &blocker{todov1.ReasonKeyringUnreadable, fmt.Sprintf(
			"%s: delete Secret %s, and it is rebuilt from the other two.", err, desired.Keyring(app))}
	}
	return nil
}

// claimed blocks the app if another app takes precedence for one of its Secrets.
func claimed(app *todov1.TodoApp, observed *snapshot) *blocker {
	own := map[string]*corev1.Secret{
		desired.Keyring(app):        observed.keyring,
		desired.FrontendSecret(app): observed.secrets[todov1.ComponentFrontend],
		desired.BackendSecret(app):  observed.secrets[todov1.ComponentBackend],
	}
	for _, name := range desired.Secrets(app) {
		if rival := rivalFor(app, name, own, observed.rivals); rival != "" {
			return claim(name, rival, "spec.frontend.secretRef and spec.backend.secretRef")
		}
	}
	return nil
}

// rivalFor returns the name of the app that takes precedence for a Secret, and nothing if this app does. The owner of the Secret
// takes precedence, then an app whose source it is, because a source is never written, then the older app. An app that refers to a
// Secret which this app owns is blocked itself, so it takes precedence for no other Secret: of two apps, one proceeds.
func rivalFor(app *todov1.TodoApp, name string, own map[string]*corev1.Secret, apps []todov1.TodoApp) string {
	secret := own[name]
	if owner := desired.Owner(secret); owner != "" {
		return otherThan(app, owner)
	}
	for i := range apps {
		other := &apps[i]
		names := desired.Secrets(other)
		blocked := slices.ContainsFunc(names, func(n string) bool { return desired.Owner(own[n]) == app.Name })
		if other.UID == app.UID || blocked || !other.DeletionTimestamp.IsZero() {
			continue
		}
		source := other.Spec.Auth.Source
		if secret != nil && source != nil && source.SecretRef.Name == name || older(other, app) && slices.Contains(names, name) {
			return other.Name
		}
	}
	return ""
}

// otherThan returns the owner if it is not the app.
func otherThan(app *todov1.TodoApp, owner string) string {
	if owner == app.Name {
		return ""
	}
	return owner
}

// claim returns the blocker for a Secret of another app.
func claim(secret, owner, where string) *blocker {
	return &blocker{todov1.ReasonSecretClaimed, fmt.Sprintf(
		"Secret %s belongs to TodoApp %s: name another in %s.", secret, owner, where)}
}

// claimedSource blocks the app if its source belongs to another app, whose keys must not become this app's.
func claimedSource(app *todov1.TodoApp, observed *snapshot) *blocker {
	owner := otherThan(app, desired.Owner(observed.source))
	if owner == "" {
		return nil
	}
	return claim(app.Spec.Auth.Source.SecretRef.Name, owner, "spec.auth.source.secretRef")
}

// older reports whether an app precedes another. The UIDs decide between apps that were created within one second.
func older(a, b *todov1.TodoApp) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.UID < b.UID
}

// conflict blocks the app if a Secret that was handed over holds a value that the app's ring does not: it would be lost.
func conflict(app *todov1.TodoApp, observed *snapshot, ring keyring.Ring) *blocker {
	for _, component := range []string{todov1.ComponentFrontend, todov1.ComponentBackend} {
		secret := observed.secrets[component]
		if secret == nil || desired.MadeFor(secret, app) || app.Annotations[todov1.AnnotationReplaceSecret] == secret.Name {
			continue
		}
		if !ring.Covers(secret.Data) {
			return &blocker{todov1.ReasonSecretConflict, fmt.Sprintf(
				"Secret %s holds another key, which is not overwritten: delete it, or run \"kubectl annotate todoapp %s %s=%s -n %s\".",
				secret.Name, app.Name, todov1.AnnotationReplaceSecret, secret.Name, app.Namespace)}
		}
	}
	return nil
}
