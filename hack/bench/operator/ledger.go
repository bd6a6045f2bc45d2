package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// ledger records every key that an app has had and every pod that uses keys, and finds violations of these rules:
//
//   - A version has one value.
//   - No key is lost: the keyring stays, and keeps each key that it has held.
//   - No token is refused: each running backend trusts each version with which a frontend signs or has signed.
//
// The rules hold for apps whose keys are neither revoked nor expired. A nil ledger records nothing.
type ledger struct {
	mutex sync.Mutex
	apps  map[types.NamespacedName]*history
	// found describes the violations.
	found []string
	// judged is the number of times that a pod has loaded keys.
	judged int
}

// history is what the ledger knows of one app.
type history struct {
	values map[int64]keyring.Value
	stored []int64
	// signed holds the versions with which a frontend has signed.
	signed map[int64]bool
	// backends holds the versions that each running backend trusts.
	backends map[types.UID][]int64
}

func newLedger() *ledger { return &ledger{apps: map[types.NamespacedName]*history{}} }

// of returns the history of an app. The caller holds the mutex.
func (l *ledger) of(namespace, app string) *history {
	name := types.NamespacedName{Namespace: namespace, Name: app}
	if l.apps[name] == nil {
		l.apps[name] = &history{
			values: map[int64]keyring.Value{}, signed: map[int64]bool{}, backends: map[types.UID][]int64{},
		}
	}
	return l.apps[name]
}

// report records a violation. It names versions and never a value.
func (l *ledger) report(format string, args ...any) {
	l.found = append(l.found, fmt.Sprintf(format, args...))
}

// watch records the Secrets of apps as they change.
func (l *ledger) watch(ctx context.Context, secrets cache.Cache) error {
	informer, err := secrets.GetInformer(ctx, &corev1.Secret{})
	if err != nil {
		return fmt.Errorf("watching Secrets: %w", err)
	}
	read := func(object any) {
		if secret, ok := object.(*corev1.Secret); ok {
			l.secret(secret)
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: read, UpdateFunc: func(_, object any) { read(object) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			if secret, ok := object.(*corev1.Secret); ok {
				l.deleted(secret)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watching Secrets: %w", err)
	}
	return nil
}

// secret records the keys in a Secret of an app.
func (l *ledger) secret(secret *corev1.Secret) {
	app := secret.Labels[todov1.LabelApp]
	if app == "" {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	of := l.of(secret.Namespace, app)
	if secret.Labels[todov1.LabelComponent] != todov1.ComponentKeyring {
		entries, err := keyring.ParseList(string(secret.Data[keyring.EntrySecrets]))
		if err != nil {
			l.report("Secret %s/%s is unreadable", secret.Namespace, secret.Name)
		}
		for _, entry := range entries {
			l.value(of, secret, entry.Version, entry.Value)
		}
		return
	}
	ring, err := keyring.Unmarshal(secret.Data)
	if err != nil {
		l.report("keyring %s/%s is unreadable", secret.Namespace, secret.Name)
		return
	}
	var versions []int64
	for _, key := range ring.Keys {
		l.value(of, secret, key.Version, key.Value)
		versions = append(versions, key.Version)
	}
	for _, version := range of.stored {
		if !slices.Contains(versions, version) {
			l.report("keyring %s/%s has lost version %d", secret.Namespace, secret.Name, version)
		}
	}
	of.stored = versions
}

// value records the value of a version.
func (l *ledger) value(of *history, secret *corev1.Secret, version int64, value keyring.Value) {
	if known, ok := of.values[version]; ok && known != value {
		l.report("version %d has two values, the second one in %s/%s", version, secret.Namespace, secret.Name)
	}
	of.values[version] = value
}

// deleted records that a Secret is gone.
func (l *ledger) deleted(secret *corev1.Secret) {
	if secret.Labels[todov1.LabelComponent] == todov1.ComponentKeyring {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.report("keyring %s/%s was deleted", secret.Namespace, secret.Name)
	}
}

// uses records that a pod has loaded keys, of which the first one signs.
func (l *ledger) uses(pod *corev1.Pod, versions []int64) {
	if l == nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.judged++
	of := l.of(pod.Namespace, pod.Labels[todov1.LabelApp])
	if pod.Labels[todov1.LabelComponent] == todov1.ComponentFrontend {
		of.signed[versions[0]] = true
		for _, trusted := range of.backends {
			if !slices.Contains(trusted, versions[0]) {
				l.report("frontend %s/%s signs with version %d, and a backend trusts %v", pod.Namespace, pod.Name, versions[0], trusted)
			}
		}
		return
	}
	of.backends[pod.UID] = versions
	for version := range of.signed {
		if !slices.Contains(versions, version) {
			l.report("backend %s/%s trusts %v, and a frontend has signed with version %d", pod.Namespace, pod.Name, versions, version)
		}
	}
}

// ended records that a pod no longer runs.
func (l *ledger) ended(uid types.UID) {
	if l == nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, of := range l.apps {
		delete(of.backends, uid)
	}
}

// violations returns descriptions of all violations.
func (l *ledger) violations() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.found)
}

// totals returns the number of keys that all apps have had, and how often a pod has loaded keys.
func (l *ledger) totals() (keys, loads int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, of := range l.apps {
		keys += len(of.values)
	}
	return keys, l.judged
}
