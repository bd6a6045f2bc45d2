package controllers

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// keyringSecret returns the keyring Secret as the step leaves it: a changed copy of the stored one, or a new Secret.
func (p *plan) keyringSecret(app *todov1.TodoApp) (*corev1.Secret, error) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: desired.Keyring(app)}}
	if p.observed.keyring != nil {
		secret = p.observed.keyring.DeepCopy()
	}
	if p.step.Action != keyring.ActionNone {
		data, err := p.step.Ring.Marshal()
		if err != nil {
			return nil, fmt.Errorf("encoding the keyring: %w", err)
		}
		secret.Data = data
	}
	secret.Type = corev1.SecretTypeOpaque
	delete(secret.Labels, todov1.LabelShard)
	secret.Labels = labels.Merge(secret.Labels, desired.Labels(app, todov1.ComponentKeyring))
	secret.Annotations = labels.Merge(secret.Annotations, labels.Set{
		todov1.AnnotationKeys: keyring.FormatVersions(p.keys.Frontend.Versions)})
	desired.InheritKeyring(app, secret)
	recordUser(app, p.observed.keyring, secret)
	secret.OwnerReferences = keyringOwners(app, secret.OwnerReferences)
	return secret, nil
}

// keyringOwners returns the owner references that the reclaim policy asks for. A retained keyring refers to no TodoApp of
// this name, not even to a deleted one: the garbage collector deletes an object whose owners are all gone.
func keyringOwners(app *todov1.TodoApp, owners []metav1.OwnerReference) []metav1.OwnerReference {
	kind := todov1.GroupVersion.WithKind("TodoApp")
	kept := slices.DeleteFunc(slices.Clone(owners), func(ref metav1.OwnerReference) bool { return desired.RefersTo(app, ref) })
	if app.Spec.Auth.ReclaimPolicy == todov1.ReclaimDelete {
		kept = append(kept, *metav1.NewControllerRef(app, kind))
	}
	return kept
}

// recordUser writes on the keyring which TodoApp it was made for, and which one found it. Without a record, as releases up
// to 0.2.0 left it, the owner reference tells: an app that owns the keyring already did not find it.
func recordUser(app *todov1.TodoApp, stored, secret *corev1.Secret) {
	madeFor := string(app.UID)
	if stored != nil {
		madeFor = userOf(app, stored)
	}
	if madeFor != "" {
		secret.Annotations[todov1.AnnotationMadeFor] = madeFor
	}
	if madeFor != string(app.UID) {
		secret.Annotations[todov1.AnnotationFoundBy] = string(app.UID)
	}
}

// userOf returns the UID of the TodoApp that a stored keyring was made for; empty if that cannot be known.
func userOf(app *todov1.TodoApp, stored *corev1.Secret) string {
	madeFor := stored.Annotations[todov1.AnnotationMadeFor]
	if madeFor != "" || stored.Annotations[todov1.AnnotationFoundBy] != "" {
		return madeFor
	}
	for _, ref := range stored.OwnerReferences {
		if desired.RefersTo(app, ref) {
			return string(ref.UID)
		}
	}
	return ""
}

// keyringFound reports whether the app's keyring was made for an earlier TodoApp of its name, or restored without a record.
func keyringFound(app *todov1.TodoApp, secret *corev1.Secret) bool {
	return secret != nil && secret.Annotations[todov1.AnnotationFoundBy] == string(app.UID) &&
		secret.Annotations[todov1.AnnotationMadeFor] != string(app.UID)
}

// reportKeyring records an Event when the app takes up a keyring that was there before it.
func (r *Reconciler) reportKeyring(app *todov1.TodoApp, p *plan) {
	if keyringFound(app, p.keyring) && !keyringFound(app, p.observed.keyring) {
		r.event(app, corev1.EventTypeNormal, "KeyringFound", "Rotate",
			"Found Secret %s: its keys stay in use (%s)", p.keyring.Name, keyring.FormatVersions(p.keys.Frontend.Versions))
	}
}

// keysStrong reports whether a key that is still accepted can be guessed. Only a key that was adopted can.
func keysStrong(app *todov1.TodoApp, p *plan) assessment {
	weak := p.step.Ring.Weak(p.observed.now, policyOf(app))
	if len(weak) == 0 {
		return holds(todov1.ReasonStrong, "No key in use is weak.")
	}
	var which []string
	for _, k := range weak {
		which = append(which, fmt.Sprintf("key version %d %s", k.Version, k.Why))
	}
	advice := "Set spec.auth.rotation.rotateAfter to the present time to replace it, or revokeBefore to trust it no longer."
	if app.Spec.Auth.Source != nil {
		advice = "Write a generated value to the source, or set spec.auth.rotation.revokeBefore to trust it no longer."
	}
	return fails(todov1.ReasonWeakKey, "A key can be guessed: %s. %s", strings.Join(which, "; "), advice)
}

// warnWeak records an Event when the condition KeysStrong becomes false.
func (r *Reconciler) warnWeak(app *todov1.TodoApp, p *plan) {
	if p.step.Ring.Empty() || meta.IsStatusConditionFalse(app.Status.Conditions, todov1.ConditionKeysStrong) {
		return
	}
	if strong := keysStrong(app, p); strong.status == metav1.ConditionFalse {
		r.event(app, corev1.EventTypeWarning, strong.reason, "Rotate", "%s", strong.message)
	}
}
