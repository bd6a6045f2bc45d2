package plugin

import (
	"fmt"
	"strings"
	"time"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// rotationSteps names the three steps of the rotation of an app, by its keys.
func rotationSteps(app *todov1.TodoApp) []string {
	fresh, replaced := "the new key", "the replaced key"
	if k, ok := newestUsable(app); ok {
		fresh = fmt.Sprintf("key %d", k.Version)
		if before, ok := replacedBy(app, k); ok {
			replaced = fmt.Sprintf("key %d", before)
		}
	}
	last := "tokens of " + replaced + " expire"
	if lifetime := app.Spec.Auth.Tokens.MaxLifetime; lifetime != nil {
		last += fmt.Sprintf(" (tokens.maxLifetime is %s)", shortDuration(lifetime.Duration))
	}
	return []string{"every backend pod trusts " + fresh, "the frontend signs with " + fresh + " alone", last}
}

// newestUsable returns the newest key that is not revoked.
func newestUsable(app *todov1.TodoApp) (todov1.KeyStatus, bool) {
	for _, k := range app.Status.Keys {
		if k.State != todov1.KeyRevoked && k.State != todov1.KeyArchived {
			return k, true
		}
	}
	return todov1.KeyStatus{}, false
}

// replacedBy returns the version of the key that a newer key replaces.
func replacedBy(app *todov1.TodoApp, newer todov1.KeyStatus) (int64, bool) {
	for _, k := range app.Status.Keys {
		if k.Version < newer.Version && (k.State == todov1.KeyActive || k.State == todov1.KeyRetiring) {
			return k.Version, true
		}
	}
	return 0, false
}

// shortDuration returns a duration without its zero parts: 168h instead of 168h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// activeKey returns the key that signs by the status of an app.
func activeKey(app *todov1.TodoApp) (todov1.KeyStatus, bool) {
	for _, k := range app.Status.Keys {
		if k.State == todov1.KeyActive {
			return k, true
		}
	}
	return todov1.KeyStatus{}, false
}

// embedded reports whether the operator runs its own task API for an app.
func embedded(app *todov1.TodoApp) bool { return desired.Embedded(app) }
