package controllers

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// obstacle is something that only the app's owner can decide. Until then nothing of the app is written.
type obstacle struct {
	reason, message string
}

// obstacleOf finds what stands in the way: a Secret that is another app's, an error of the step, or a Secret that
// the step would overwrite.
func obstacleOf(app *todov1.TodoApp, seen *world, step keyring.Step, err error) *obstacle {
	if o := claimed(app, seen); o != nil {
		return o
	}
	if o := undecided(app, err); o != nil {
		return o
	}
	if err != nil {
		return nil
	}
	return conflict(app, seen, step.Ring)
}

// undecided maps the errors that are questions to the owner.
func undecided(app *todov1.TodoApp, err error) *obstacle {
	front, back := desired.FrontendSecret(app), desired.BackendSecret(app)
	switch {
	case errors.Is(err, keyring.ErrDiffer):
		return &obstacle{todov1.ReasonSecretsDiffer, fmt.Sprintf(
			"Secrets %s and %s hold different secrets, and neither is overwritten: make them equal, or delete the wrong one.",
			front, back)}
	case errors.Is(err, keyring.ErrUnusable):
		return &obstacle{todov1.ReasonSecretUnusable, fmt.Sprintf("%s: correct or delete Secret %s or %s.", err, front, back)}
	case errors.Is(err, keyring.ErrSourceMissing):
		source := app.Spec.Auth.Source.SecretRef
		return &obstacle{todov1.ReasonSourceMissing, fmt.Sprintf(
			"Secret %s has no usable entry %s yet: create it, or remove spec.auth.source.", source.Name, source.Key)}
	case errors.Is(err, errKeyringUnreadable):
		return &obstacle{todov1.ReasonKeyringUnreadable, fmt.Sprintf(
			"%s: delete Secret %s, and it is rebuilt from the other two.", err, desired.Keyring(app))}
	}
	return nil
}

// claimed finds a Secret of the app that an older app refers to as well, or that was made for another one.
func claimed(app *todov1.TodoApp, seen *world) *obstacle {
	own := secretNames(app)
	for i := range seen.apps {
		other := &seen.apps[i]
		if other.UID == app.UID || !older(other, app) {
			continue
		}
		for _, name := range secretNames(other) {
			if slices.Contains(own, name) {
				return claim(name, other.Name)
			}
		}
	}
	for _, secret := range []*corev1.Secret{
		seen.keyring, seen.secrets[todov1.ComponentFrontend], seen.secrets[todov1.ComponentBackend],
	} {
		if secret == nil || !managed(secret) {
			continue
		}
		if owner := metav1.GetControllerOf(secret); owner != nil && owner.Name != app.Name {
			return claim(secret.Name, owner.Name)
		}
	}
	return nil
}

func claim(secret, owner string) *obstacle {
	return &obstacle{todov1.ReasonSecretClaimed, fmt.Sprintf(
		"Secret %s belongs to TodoApp %s: name another in spec.frontend.secretRef and spec.backend.secretRef.", secret, owner)}
}

func secretNames(app *todov1.TodoApp) []string {
	return []string{desired.Keyring(app), desired.FrontendSecret(app), desired.BackendSecret(app)}
}

func older(a, b *todov1.TodoApp) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.UID < b.UID
}

// conflict finds a Secret of someone else whose secret the app's ring does not hold: it would be lost.
func conflict(app *todov1.TodoApp, seen *world, ring keyring.Ring) *obstacle {
	for _, component := range []string{todov1.ComponentFrontend, todov1.ComponentBackend} {
		secret := seen.secrets[component]
		mine := secret != nil && managed(secret) && secret.Labels[todov1.LabelApp] == app.Name
		if secret == nil || mine || app.Annotations[todov1.AnnotationReplaceSecret] == secret.Name {
			continue
		}
		if foreign(secret, ring) {
			return &obstacle{todov1.ReasonSecretConflict, fmt.Sprintf(
				"Secret %s holds a secret that is not this app's and is not overwritten: delete it, or permit it with the annotation %s: %s.",
				secret.Name, todov1.AnnotationReplaceSecret, secret.Name)}
		}
	}
	return nil
}

// foreign reports whether a Secret holds anything under the names of the keys that is not in the ring.
func foreign(secret *corev1.Secret, ring keyring.Ring) bool {
	known := func(v keyring.Value) bool {
		return slices.ContainsFunc(ring.Keys, func(k keyring.Key) bool { return k.Value == v })
	}
	if value := keyring.Value(secret.Data[keyring.EntrySecret]); value != "" && !known(value) {
		return true
	}
	list := string(secret.Data[keyring.EntrySecrets])
	if list == "" {
		return false
	}
	entries, err := keyring.ParseList(list)
	return err != nil || slices.ContainsFunc(entries, func(e keyring.Entry) bool { return !known(e.Value) })
}
