package controllers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// digests remembers the digests of entries, so that an entry is read again only if its object has changed.
type digests struct {
	mutex sync.Mutex
	known map[entryKey]entryDigest
}

// entryKey is an entry of a Secret or ConfigMap.
type entryKey struct {
	namespace string
	desired.Source
}

// entryDigest is the digest of an entry in one version of its object; empty if that version has no such entry.
type entryDigest struct{ version, digest string }

// of returns the digest of an entry in a version of its object, and whether that version was read.
func (d *digests) of(key entryKey, version string) (string, bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	found := d.known[key]
	return found.digest, found.version == version
}

func (d *digests) remember(key entryKey, found entryDigest) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.known == nil {
		d.known = map[entryKey]entryDigest{}
	}
	if found.version == "" {
		delete(d.known, key)
		return
	}
	d.known[key] = found
}

// observeSources takes the digests of what the pods of each component read at start.
func (r *Reconciler) observeSources(ctx context.Context, reader client.Reader, w *snapshot, app *todov1.TodoApp) error {
	w.digests = map[string]string{}
	for _, component := range []string{todov1.ComponentFrontend, todov1.ComponentBackend} {
		sum := sha256.New()
		sources := desired.Sources(app, component)
		for _, source := range sources {
			digest, err := r.digest(ctx, reader, entryKey{app.Namespace, source})
			if err != nil {
				return err
			}
			if digest == "" { // running pods keep the values that they read
				sources = nil
				break
			}
			_, _ = sum.Write([]byte(digest))
		}
		if len(sources) > 0 {
			w.digests[component] = hex.EncodeToString(sum.Sum(nil)[:8])
		}
	}
	return nil
}

// digest returns a digest of an entry; empty if the entry does not exist. It is keyed by the UID of the object, so that equal
// values of two Secrets have different digests. A cached plan reads an entry only if its object has changed since the last time. If
// the cache does not show the object yet, pods keep the values that they read, and the object's event enqueues the app.
func (r *Reconciler) digest(ctx context.Context, reader client.Reader, key entryKey) (string, error) {
	if reader != r.Live && r.sources != nil {
		version, err := r.cachedVersion(ctx, key)
		if err != nil || version == "" {
			return "", err
		}
		if digest, known := r.digests.of(key, version); known {
			return digest, nil
		}
	}
	object, entries, err := r.readEntries(ctx, key.Kind, types.NamespacedName{Namespace: key.namespace, Name: key.Name})
	if err != nil {
		return "", err
	}
	found := entryDigest{version: object.GetResourceVersion()}
	if value := entries[key.Key]; len(value) > 0 {
		mac := hmac.New(sha256.New, []byte(object.GetUID()))
		_, _ = mac.Write(value)
		found.digest = hex.EncodeToString(mac.Sum(nil))
	}
	r.digests.remember(key, found)
	return found.digest, nil
}

// cachedVersion returns the version of an object in the cache of sources. A Secret with the label of an app is in the cache of the
// app's own Secrets instead. The version is empty if the object does not exist.
func (r *Reconciler) cachedVersion(ctx context.Context, key entryKey) (string, error) {
	name := types.NamespacedName{Namespace: key.namespace, Name: key.Name}
	var object client.Object = identities(key.Kind)
	err := r.sources.Get(ctx, name, object)
	if apierrors.IsNotFound(err) && key.Kind == todov1.KindSecret {
		object = &corev1.Secret{}
		err = r.Client.Get(ctx, name, object)
	}
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("finding %s %s: %w", key.Kind, key.Name, err)
	}
	return object.GetResourceVersion(), nil
}

// readEntries reads a Secret or ConfigMap and its entries from the API server. If it does not exist, the entries are nil and the
// object is empty.
func (r *Reconciler) readEntries(
	ctx context.Context, kind string, name types.NamespacedName,
) (client.Object, map[string][]byte, error) {
	var object client.Object = &corev1.Secret{}
	if kind == todov1.KindConfigMap {
		object = &corev1.ConfigMap{}
	}
	err := r.Live.Get(ctx, name, object)
	if apierrors.IsNotFound(err) {
		return object, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s %s: %w", kind, name.Name, err)
	}
	entries := map[string][]byte{}
	switch object := object.(type) {
	case *corev1.Secret:
		maps.Copy(entries, object.Data)
	case *corev1.ConfigMap:
		maps.Copy(entries, object.BinaryData)
		for entry, value := range object.Data {
			entries[entry] = []byte(value)
		}
	}
	return object, entries, nil
}
