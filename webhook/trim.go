package webhook

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// liveCalls bounds the objects of up to 1 MB that all reviews together read at once. One read takes a few times that in
// memory until the object is trimmed. Reviews that ask for many objects take turns, so that others find a short queue.
var liveCalls, manyCalls = semaphore.NewWeighted(16), semaphore.NewWeighted(2)

const (
	// fewCalls is how many objects a review may ask for without waiting for its turn, and how many it asks for at once.
	fewCalls = 8
	// maxValue is how much is kept of an entry that a rule is about. A longer value breaks a rule by its length alone.
	maxValue = 8 << 10
	// maxOthers is how many entries that no rule is about are kept, by name, so that a message can list some.
	maxOthers = 100
)

// atOnce calls a function with each of the items, a few at the same time and within the bound for the process, and returns
// when all calls have.
func atOnce[T any](ctx context.Context, items []T, call func(T)) error {
	if len(items) > fewCalls {
		if err := manyCalls.Acquire(ctx, 1); err != nil {
			return fmt.Errorf("waiting for other reviews: %w", err)
		}
		defer manyCalls.Release(1)
	}
	own := semaphore.NewWeighted(fewCalls)
	var calls sync.WaitGroup
	defer calls.Wait()
	for _, item := range items {
		err := own.Acquire(ctx, 1)
		if err == nil {
			err = liveCalls.Acquire(ctx, 1)
		}
		if err != nil {
			return fmt.Errorf("waiting for other reviews: %w", err)
		}
		calls.Go(func() {
			defer own.Release(1)
			defer liveCalls.Release(1)
			call(item)
		})
	}
	return nil
}

// trimFor returns a function that leaves of a Secret what the rules for an app are about: of the Secrets that it names or
// reads as its source the operator's entries and the source's, of those that it injects whole the names of the entries that
// could become a reserved variable, and of all others nothing but the metadata.
func trimFor(app *todov1.TodoApp) func(*corev1.Secret) {
	named, injected := names(references(app)), injections(app)
	return func(secret *corev1.Secret) {
		if !slices.Contains(named, secret.Name) {
			entries := ending(secret.Data, reserved)
			withoutData(secret)
			if slices.ContainsFunc(injected, func(d injection) bool { return d.whole && d.secret == secret.Name }) {
				secret.Data = entries
			}
			return
		}
		trimMetadata(&secret.ObjectMeta)
		if secret.Name == desired.Keyring(app) {
			ring, stored := secret.Data[keyring.StorageKey]
			if secret.Data = trimData(secret.Data, func(string) bool { return false }); stored {
				secret.Data[keyring.StorageKey] = ring
			}
			return
		}
		secret.Data = trimData(secret.Data, func(entry string) bool {
			return slices.Contains(keyring.Entries(), entry) || isSource(app, secret.Name, entry)
		})
	}
}

// trimData keeps the beginning of the values that are kept, and the first names of the others.
func trimData(data map[string][]byte, keeps func(string) bool) map[string][]byte {
	kept, others := map[string][]byte{}, 0
	for _, entry := range slices.Sorted(maps.Keys(data)) {
		switch {
		case keeps(entry):
			kept[entry] = bytes.Clone(data[entry][:min(len(data[entry]), maxValue)])
		case others < maxOthers:
			others++
			kept[entry] = nil
		}
	}
	return kept
}

// withoutData leaves nothing but the metadata and the type of a Secret.
func withoutData(secret *corev1.Secret) {
	trimMetadata(&secret.ObjectMeta)
	secret.Data = nil
}

// trimMetadata leaves the operator's labels and annotations, and the controller.
func trimMetadata(meta *metav1.ObjectMeta) {
	ours := func(key, _ string) bool {
		return !strings.HasPrefix(key, todov1.GroupVersion.Group+"/") && key != desired.LabelManagedBy
	}
	maps.DeleteFunc(meta.Labels, ours)
	maps.DeleteFunc(meta.Annotations, ours)
	meta.ManagedFields, meta.Finalizers = nil, nil
	meta.OwnerReferences = slices.DeleteFunc(meta.OwnerReferences, func(ref metav1.OwnerReference) bool {
		return ref.Controller == nil || !*ref.Controller
	})
}

// trimEntries leaves the names of the entries of a Secret that is taken whole, as far as a rule is about them.
func trimEntries(secret *corev1.Secret) {
	trimMetadata(&secret.ObjectMeta)
	secret.Data = meaningful(secret.Data)
}

// trimConfigMap does the same for a ConfigMap.
func trimConfigMap(configMap *corev1.ConfigMap) {
	trimMetadata(&configMap.ObjectMeta)
	configMap.Data, configMap.BinaryData = meaningful(configMap.Data), meaningful(configMap.BinaryData)
}

// meaningful returns the entries, without values, that are one of the shared secret's variables or become one behind a
// prefix. Other entries mean nothing to the rules for workloads.
func meaningful[V any](data map[string]V) map[string]V { return ending(data, variables) }

// trimToReserved leaves the names of the entries of a ConfigMap that could become a variable which only the operator sets.
func trimToReserved(configMap *corev1.ConfigMap) {
	trimMetadata(&configMap.ObjectMeta)
	configMap.Data, configMap.BinaryData = ending(configMap.Data, reserved), ending(configMap.BinaryData, reserved)
}

// ending returns the entries, without values, that a prefix can complete to one of the names.
func ending[V any](data map[string]V, names []string) map[string]V {
	kept := map[string]V{}
	for entry := range data {
		if slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, entry) }) {
			var none V
			kept[strings.Clone(entry)] = none
		}
	}
	return kept
}

// onlyReferences leaves of a TodoApp the fields that trimApp returns. Reviews that wait would otherwise hold an app of 1 MB each.
func onlyReferences(app *todov1.TodoApp) { *app = trimApp(app) }

// trimApp returns of a TodoApp what other apps' rules are about: its name, which Secrets it names, and whether it is deleted.
func trimApp(app *todov1.TodoApp) todov1.TodoApp {
	var kept todov1.TodoApp
	kept.Name, kept.UID, kept.DeletionTimestamp = app.Name, app.UID, app.DeletionTimestamp
	kept.Spec.Frontend.SecretRef, kept.Spec.Backend.SecretRef = app.Spec.Frontend.SecretRef, app.Spec.Backend.SecretRef
	kept.Spec.Auth.Source = app.Spec.Auth.Source
	return kept
}
