package controllers

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// projections returns the Secrets whose keys came from a ring: the operator made them for this app, and their annotation lists
// the versions that they hold. A Secret that was edited by hand does not count, and is restored from the ring.
func (w *snapshot) projections(app *todov1.TodoApp) keyring.Recovery {
	data := func(component string) map[string][]byte {
		if s := w.secrets[component]; desired.MadeFor(s, app) && annotatedRight(s) {
			return s.Data
		}
		return nil
	}
	return w.proven(app, keyring.Recovery{Frontend: data(todov1.ComponentFrontend), Backend: data(todov1.ComponentBackend)})
}

// recovery returns the data of both projections, from which a lost ring is rebuilt.
func (w *snapshot) recovery(app *todov1.TodoApp) keyring.Recovery {
	var recovery keyring.Recovery
	if s := w.secrets[todov1.ComponentFrontend]; s != nil {
		recovery.Frontend = s.Data
	}
	if s := w.secrets[todov1.ComponentBackend]; s != nil {
		recovery.Backend = s.Data
	}
	return w.proven(app, recovery)
}

// proven adds to a recovery the last revocation that each projection proves to be carried out.
func (w *snapshot) proven(app *todov1.TodoApp, recovery keyring.Recovery) keyring.Recovery {
	recovery.FrontendProof = proofOf(app, w.secrets[todov1.ComponentFrontend])
	recovery.BackendProof = proofOf(app, w.secrets[todov1.ComponentBackend])
	return recovery
}

// proofOf returns the last revocation that was carried out before a Secret was written. It is zero if the Secret does not say, or
// was not written by the operator, or was edited: its keys may then be older.
func proofOf(app *todov1.TodoApp, secret *corev1.Secret) time.Time {
	if !desired.MadeFor(secret, app) || !annotatedRight(secret) {
		return time.Time{}
	}
	moment, err := time.Parse(time.RFC3339Nano, secret.Annotations[todov1.AnnotationRevokedBefore])
	if err != nil {
		return time.Time{}
	}
	return moment
}

// annotatedRight reports whether the annotation of a Secret lists the versions of its keys.
func annotatedRight(secret *corev1.Secret) bool {
	versions, err := keyring.ParseVersions(secret.Annotations[todov1.AnnotationKeys])
	if err != nil {
		return false
	}
	entries, err := keyring.ParseList(string(secret.Data[keyring.EntrySecrets]))
	return err == nil && slices.EqualFunc(versions, entries, func(v int64, e keyring.Entry) bool { return max(v, -v) == e.Version })
}

// noticeOf returns what the owner must know before the plan is carried out, because keys change in a way that no policy asks
// for: the keyring was restored from a backup, or pods or a Secret hold keys that it lacks. Its reason is empty otherwise.
func noticeOf(app *todov1.TodoApp, p *plan) assessment {
	if p.step.Action == keyring.ActionRecover && p.observed.keyring != nil {
		return fails(todov1.ReasonKeyringRestored,
			"Secret %s is older than Secrets %s and %s: it was restored from a backup. The keys that it lacks are read from them (%s).",
			desired.Keyring(app), desired.FrontendSecret(app), desired.BackendSecret(app), keyring.FormatVersions(p.step.Versions))
	}
	if p.step.Action == keyring.ActionRecover && revokes(app, p.observed.now) {
		return fails(todov1.ReasonKeyringRestored,
			"Secret %s is missing and is rebuilt from the other Secrets, so when its keys were created is lost, and spec.auth.rotation."+
				"revokeBefore revokes none of them. If one of key version %s must not be trusted, set revokeBefore to the present time.",
			desired.Keyring(app), keyring.FormatVersions(p.step.Versions))
	}
	if len(p.step.Lost) > 0 {
		return fails(todov1.ReasonKeysLost,
			"Pods hold key version %s, which no Secret holds any more: the Secrets are gone or were restored from an older backup. "+
				"Tokens and sessions of that key end when the pods are replaced. To keep them, restore a later backup of Secret %s.",
			keyring.FormatVersions(p.step.Lost), desired.Keyring(app))
	}
	for _, component := range []string{todov1.ComponentFrontend, todov1.ComponentBackend} {
		if secret := p.observed.secrets[component]; secret != nil && p.step.Ring.Contradicts(secret.Data) {
			return fails(todov1.ReasonKeysLost, "Secret %s holds a key that Secret %s does not hold, and is written again from the keyring.",
				secret.Name, desired.Keyring(app))
		}
	}
	return assessment{}
}

// revokes reports whether the moment of a revocation has come.
func revokes(app *todov1.TodoApp, now time.Time) bool {
	moment := app.Spec.Auth.Rotation.RevokeBefore
	return moment != nil && !now.Before(moment.Time)
}

// foretell tells of a notice by an Event, the log and the status, before anything is written.
func (r *Reconciler) foretell(ctx context.Context, app *todov1.TodoApp, p *plan) error {
	if p.notice.reason == "" {
		return nil
	}
	r.event(app, corev1.EventTypeWarning, p.notice.reason, "Rotate", "%s", p.notice.message)
	logNotice(ctx, p.notice)
	if p.notice.reason == todov1.ReasonKeysLost {
		countTransition(actionLost)
	}
	return r.patchStatus(ctx, app, statusOf(app, p, nil))
}
