package plugin

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// judgeSecrets judges if the three Secrets of an app agree. It names versions, and never a value.
func judgeSecrets(f *facts) []finding {
	restore := "see the check \"operator\": it restores Secrets within seconds, unless the app is paused or blocked"
	for _, secret := range []read[corev1.Secret]{f.keyring, f.frontend, f.backend} {
		if secret.err != nil {
			return []finding{skipped(secret.err)}
		}
	}
	var found []finding
	for name, secret := range map[string]*corev1.Secret{
		desired.Keyring(f.app): f.keyring.object, desired.FrontendSecret(f.app): f.frontend.object,
		desired.BackendSecret(f.app): f.backend.object,
	} {
		if secret == nil {
			found = append(found, fault(restore, "secret %s does not exist", name))
		}
	}
	if len(found) > 0 {
		slices.SortFunc(found, func(a, b finding) int { return strings.Compare(a.Text, b.Text) })
		return found
	}
	ring, err := keyring.Unmarshal(f.keyring.object.Data)
	if err != nil {
		return []finding{fault("restore the Secret from a backup, or delete it: the operator rebuilds it (docs/backup.md)",
			"the keyring is unreadable: %s", err)}
	}
	for _, secret := range []*corev1.Secret{f.frontend.object, f.backend.object} {
		if problem := disagreement(ring, secret); problem != "" {
			found = append(found, fault(restore, "secret %s %s", secret.Name, problem))
		}
	}
	if len(found) == 0 {
		active, _ := ring.Active()
		return []finding{ok("the Secrets of frontend and backend agree with the keyring: key %d signs", active.Version)}
	}
	return found
}

// disagreement says how a component's Secret differs from the ring; empty if it does not.
func disagreement(ring keyring.Ring, secret *corev1.Secret) string {
	active, _ := ring.Active()
	values := map[int64]keyring.Value{}
	for _, k := range ring.Keys {
		values[k.Version] = k.Value
	}
	entries, err := keyring.ParseList(string(secret.Data[keyring.EntrySecrets]))
	switch {
	case err != nil:
		return fmt.Sprintf("has an unreadable entry %s: %s", keyring.EntrySecrets, err)
	case keyring.Value(secret.Data[keyring.EntrySecret]) != active.Value:
		return fmt.Sprintf("holds another value than key %d in %s", active.Version, keyring.EntrySecret)
	case entries[0].Version != active.Version:
		return fmt.Sprintf("lists key %d first, and key %d is active", entries[0].Version, active.Version)
	}
	for _, entry := range entries {
		switch value, known := values[entry.Version]; {
		case !known:
			return fmt.Sprintf("holds key %d, which the keyring lacks", entry.Version)
		case value != entry.Value:
			return fmt.Sprintf("holds another value for key %d than the keyring", entry.Version)
		}
	}
	return ""
}
