//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// witness watches every Secret of a namespace and records which key each version of each app had.
type witness struct {
	sync.Mutex
	keys  map[string]map[[sha256.Size]byte]bool // by app and version
	rings map[string]bool                       // the apps whose keyring exists
	seen  int
	err   error
}

func (e *environment) witness() *witness {
	e.Helper()
	w := &witness{keys: map[string]map[[sha256.Size]byte]bool{}, rings: map[string]bool{}}
	secrets, err := cluster.Watch(e.Context(), &corev1.SecretList{},
		client.InNamespace(e.namespace), client.HasLabels{todov1.LabelApp})
	must(e, err)
	ctx, cancel := context.WithCancel(e.Context())
	e.Cleanup(func() { cancel(); secrets.Stop() })
	go func() {
		for event := range secrets.ResultChan() {
			w.note(event)
		}
		if ctx.Err() == nil {
			w.fail(fmt.Errorf("the watch of Secrets ended"))
		}
	}()
	return w
}

func (w *witness) fail(err error) {
	w.Lock()
	defer w.Unlock()
	w.err = err
}

func (w *witness) note(event watch.Event) {
	secret, ok := event.Object.(*corev1.Secret)
	if !ok {
		w.fail(fmt.Errorf("the watch of Secrets brought %s", event.Type))
		return
	}
	w.Lock()
	defer w.Unlock()
	w.seen++
	app := secret.Labels[todov1.LabelApp]
	if secret.Labels[todov1.LabelComponent] == todov1.ComponentKeyring {
		w.rings[app] = true
	}
	ring, err := keyring.Unmarshal(secret.Data)
	if err != nil {
		entries, err := keyring.ParseList(string(secret.Data[keyring.EntrySecrets]))
		if err != nil {
			w.err = fmt.Errorf("secret %s: %w", secret.Name, err)
		}
		for _, entry := range entries {
			w.add(app, entry.Version, entry.Value)
		}
	}
	for _, key := range ring.Keys {
		w.add(app, key.Version, key.Value)
	}
}

func (w *witness) add(app string, version int64, value keyring.Value) {
	name := fmt.Sprintf("%s, version %d", app, version)
	if w.keys[name] == nil {
		w.keys[name] = map[[sha256.Size]byte]bool{}
	}
	w.keys[name][sha256.Sum256([]byte(value))] = true
}

// minted returns the number of apps with a keyring.
func (w *witness) minted() int {
	w.Lock()
	defer w.Unlock()
	return len(w.rings)
}

// check fails the test if a version ever had two keys, or two versions had the same key.
func (w *witness) check(e *environment) {
	e.Helper()
	w.Lock()
	defer w.Unlock()
	if w.err != nil {
		e.Error(w.err)
	}
	owners := map[[sha256.Size]byte]string{}
	for name, values := range w.keys {
		if len(values) != 1 {
			e.Errorf("%s was %d keys", name, len(values))
		}
		for value := range values {
			if other, taken := owners[value]; taken {
				e.Errorf("%s is the key of %s", name, other)
			}
			owners[value] = name
		}
	}
	e.Logf("%d states of Secrets, %d keys, each one value", w.seen, len(w.keys))
}
