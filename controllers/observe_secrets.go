package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// observeSecrets reads the projections before the ring. Otherwise a stale manager could read an old ring and projections that
// already match it. The cache of Secrets keeps the order of writes, so a ring in it is at least as new as its projections. If a
// projection is not in the cache, the ring is read from the API server too. If the cache has moved on in between, everything is
// read again: a restored ring beside projections from before it would hide the versions that were given out since.
func (r *Reconciler) observeSecrets(ctx context.Context, reader client.Reader, w *snapshot, app *todov1.TodoApp) error {
	for again := true; again; {
		err := r.observeProjections(ctx, reader, w, app)
		if err != nil {
			return err
		}
		if again, err = r.movedOn(ctx, reader, w, app); err != nil {
			return err
		}
	}
	var err error
	if source := app.Spec.Auth.Source; source != nil {
		w.source, err = r.secretFrom(ctx, r.Live, app, source.SecretRef.Name)
	}
	return err
}

// projectionNames returns the names of the projections by component.
func projectionNames(app *todov1.TodoApp) map[string]string {
	return map[string]string{
		todov1.ComponentFrontend: desired.FrontendSecret(app),
		todov1.ComponentBackend:  desired.BackendSecret(app),
	}
}

// movedOn reports whether a cache shows another version of a projection than it did before the ring was read.
func (r *Reconciler) movedOn(ctx context.Context, reader client.Reader, w *snapshot, app *todov1.TodoApp) (bool, error) {
	if reader == r.Live {
		return false, nil
	}
	for component, name := range projectionNames(app) {
		secret, err := r.secretFrom(ctx, reader, app, name)
		if err != nil {
			return false, err
		}
		if read := w.secrets[component]; secret != nil && (read == nil || read.ResourceVersion != secret.ResourceVersion) {
			return true, nil
		}
	}
	return false, nil
}

// observeProjections reads the projections, and then the keyring.
func (r *Reconciler) observeProjections(ctx context.Context, reader client.Reader, w *snapshot, app *todov1.TodoApp) error {
	cached := reader != r.Live
	for component, name := range projectionNames(app) {
		secret, err := r.secretFrom(ctx, reader, app, name)
		if err == nil && secret == nil && reader != r.Live {
			cached = false
			secret, err = r.secretFrom(ctx, r.Live, app, name)
		}
		if err != nil {
			return err
		}
		w.secrets[component] = secret
	}
	var err error
	w.keyring, err = r.observeKeyring(ctx, reader, w, app, cached)
	return err
}

// observeKeyring returns the keyring, read from the API server if a projection was. If an app has none of its Secrets, its keyring
// is not read: it is created, which fails if there is one.
func (r *Reconciler) observeKeyring(
	ctx context.Context, reader client.Reader, w *snapshot, app *todov1.TodoApp, cached bool,
) (*corev1.Secret, error) {
	stored, err := r.secretFrom(ctx, reader, app, desired.Keyring(app))
	if err != nil || reader == r.Live || cached && stored != nil {
		return stored, err
	}
	none := w.secrets[todov1.ComponentFrontend] == nil && w.secrets[todov1.ComponentBackend] == nil
	if none && stored == nil {
		return nil, nil
	}
	return r.secretFrom(ctx, r.Live, app, desired.Keyring(app))
}

// secretFrom returns a Secret, and nil if the reader does not have it. The cache contains only Secrets with the label of an app,
// and of a large one only the identity, which counts as missing. On the API server the mark of such an identity means nothing.
func (r *Reconciler) secretFrom(
	ctx context.Context, reader client.Reader, app *todov1.TodoApp, name string,
) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := reader.Get(ctx, types.NamespacedName{Namespace: app.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) || err == nil && reader != r.Live && trimmed(secret) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return secret, nil
}
