package main

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// value returns a value for a test; each letter gives another one.
func value(letter string) keyring.Value { return keyring.Value(strings.Repeat(letter, 40)) }

// stored returns a keyring Secret with versions from 1 on, each with the value of a letter.
func stored(t *testing.T, letters ...string) *corev1.Secret {
	t.Helper()
	var ring keyring.Ring
	for i, letter := range letters {
		then := time.Unix(1e9, 0)
		key := keyring.Key{Version: int64(i + 1), Value: value(letter), CreatedAt: then, PromotedAt: then}
		if i+1 < len(letters) {
			key.DemotedAt = then
		}
		ring.Keys = append(ring.Keys, key)
	}
	data, err := ring.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return labelled(todov1.ComponentKeyring, data)
}

// projected returns a component's Secret with one version.
func projected(component string, version int64, letter string) *corev1.Secret {
	list := keyring.FormatList([]keyring.Entry{{Version: version, Value: value(letter)}})
	return labelled(component, map[string][]byte{keyring.EntrySecrets: []byte(list)})
}

func labelled(component string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{Data: data, ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: component,
		Labels: map[string]string{todov1.LabelApp: "app", todov1.LabelComponent: component}}}
}

func pod(component, uid string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: uid, UID: types.UID(uid),
		Labels: map[string]string{todov1.LabelApp: "app", todov1.LabelComponent: component}}}
}

func TestLedgerFindsWhatMustNeverHappen(t *testing.T) {
	const frontend, backend = todov1.ComponentFrontend, todov1.ComponentBackend
	for name, c := range map[string]struct {
		happens func(t *testing.T, l *ledger)
		want    string
	}{
		"a rotation": {func(t *testing.T, l *ledger) {
			l.secret(stored(t, "a"))
			l.uses(pod(frontend, "f1"), []int64{1})
			l.uses(pod(backend, "b1"), []int64{1})
			l.secret(stored(t, "a", "b"))
			l.secret(projected(backend, 2, "b"))
			l.uses(pod(backend, "b1"), []int64{1, 2})
			l.uses(pod(frontend, "f2"), []int64{2, 1})
		}, ""},
		"a lost key": {func(t *testing.T, l *ledger) {
			l.secret(stored(t, "a", "b"))
			l.secret(stored(t, "a"))
		}, "lost version 2"},
		"a deleted keyring": {func(t *testing.T, l *ledger) { l.deleted(stored(t, "a")) }, "was deleted"},
		"another value in the keyring": {func(t *testing.T, l *ledger) {
			l.secret(stored(t, "a"))
			l.secret(stored(t, "b"))
		}, "version 1 has two values"},
		"another value in a component's Secret": {func(t *testing.T, l *ledger) {
			l.secret(stored(t, "a"))
			l.secret(projected(frontend, 1, "b"))
		}, "version 1 has two values"},
		"a frontend that is ahead": {func(_ *testing.T, l *ledger) {
			l.uses(pod(backend, "b1"), []int64{1})
			l.uses(pod(frontend, "f1"), []int64{2, 1})
		}, "signs with version 2"},
		"a backend that drops a key": {func(_ *testing.T, l *ledger) {
			l.uses(pod(frontend, "f1"), []int64{1})
			l.uses(pod(backend, "b1"), []int64{2})
		}, "has signed with version 1"},
		"a backend that has ended": {func(_ *testing.T, l *ledger) {
			l.uses(pod(backend, "b1"), []int64{1})
			l.ended("b1")
			l.uses(pod(frontend, "f1"), []int64{2, 1})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			c.happens(t, l)
			found := strings.Join(l.violations(), "\n")
			if (found == "") != (c.want == "") || !strings.Contains(found, c.want) {
				t.Errorf("found %q, want %q", found, c.want)
			}
			if strings.Contains(found, "aaaa") || strings.Contains(found, "bbbb") {
				t.Error("a violation contains a value")
			}
		})
	}
}
