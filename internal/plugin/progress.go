package plugin

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// progress says how far a change of keys has come.
type progress struct {
	// line describes the present step. A new line is printed if it changes.
	line string
	// done says that only time can change anything, or nothing.
	done bool
	// draining is when the last replaced key stops being trusted; zero if there is none.
	draining time.Time
	// cause is the operator's own explanation of the delay.
	cause string
}

// goal is the state that --wait waits for.
type goal struct {
	// generation is the generation of the spec that asks for it.
	generation int64
	// rotated is set if the active key must be at least as young; revoked if no older key may be trusted.
	rotated, revoked time.Time
}

// towards returns how far an app is from a goal. The zero goal is reached if no rotation is under way.
func towards(app *todov1.TodoApp, g goal) progress {
	p := progress{cause: causeOf(app)}
	active, signs := activeKey(app)
	trusted := stillTrusted(app, g.revoked)
	switch {
	case app.Status.ObservedGeneration < g.generation:
		p.line = "waiting for the operator to act"
	case !signs || app.Status.Rotation == nil:
		p.line = "waiting for the first key"
	case len(trusted) > 0:
		p.line = "waiting for the revocation of " + keysText(trusted)
	case created(active).Before(g.rotated) && !beingPublished(app):
		p.line = "waiting for a new key: " + rotationReason(app)
	default:
		p.line, p.done = phaseLine(app, active)
		p.draining = lastRetirement(app)
	}
	if app.Paused() && !p.done {
		p.line, p.cause = "the app is paused; end the pause with: "+resumption(app), ""
	}
	return p
}

// causeOf returns the message of the first condition that explains why keys do not change.
func causeOf(app *todov1.TodoApp) string {
	for _, kind := range []string{todov1.ConditionKeysInSync, todov1.ConditionRotationComplete} {
		if c := meta.FindStatusCondition(app.Status.Conditions, kind); c != nil && c.Status != metav1.ConditionTrue {
			return c.Reason + ": " + c.Message
		}
	}
	return ""
}

func rotationReason(app *todov1.TodoApp) string {
	if c := meta.FindStatusCondition(app.Status.Conditions, todov1.ConditionRotationComplete); c != nil {
		return c.Reason
	}
	return "the operator has not begun"
}

// phaseLine describes the phase of a rotation, and reports whether no pod is waited for.
func phaseLine(app *todov1.TodoApp, active todov1.KeyStatus) (line string, done bool) {
	waiting := "; waiting for " + few(app.Status.Rotation.WaitingFor)
	if len(app.Status.Rotation.WaitingFor) == 0 {
		waiting = ""
	}
	switch app.Status.Rotation.Phase {
	case todov1.RotationPublishing:
		fresh, _ := newestUsable(app)
		return fmt.Sprintf("Publishing: key %d is published, key %d signs%s", fresh.Version, active.Version, waiting), false
	case todov1.RotationPromoting:
		return fmt.Sprintf("Promoting: key %d signs%s", active.Version, waiting), false
	case todov1.RotationDraining:
		return fmt.Sprintf("Draining: key %d signs, tokens of %s expire", active.Version, keysText(retiring(app))), true
	default:
		return fmt.Sprintf("Stable: key %d signs, and is the only key in use", active.Version), true
	}
}

// beingPublished reports whether a new key waits for pods to trust it.
func beingPublished(app *todov1.TodoApp) bool {
	return app.Status.Rotation.Phase == todov1.RotationPublishing
}

// stillTrusted returns the versions of the keys that were created before a moment and are not revoked.
func stillTrusted(app *todov1.TodoApp, before time.Time) []int64 {
	var versions []int64
	for _, k := range app.Status.Keys {
		if k.State != todov1.KeyRevoked && created(k).Before(before) {
			versions = append(versions, k.Version)
		}
	}
	return versions
}

func retiring(app *todov1.TodoApp) []int64 {
	var versions []int64
	for _, k := range app.Status.Keys {
		if k.State == todov1.KeyRetiring {
			versions = append(versions, k.Version)
		}
	}
	return versions
}

// lastRetirement returns when the last retiring key stops being trusted.
func lastRetirement(app *todov1.TodoApp) time.Time {
	var last time.Time
	for _, k := range app.Status.Keys {
		if k.State == todov1.KeyRetiring && k.RetiresAt != nil && k.RetiresAt.After(last) {
			last = k.RetiresAt.Time
		}
	}
	return last
}

// created returns when a key was created; the zero time if that is not known.
func created(k todov1.KeyStatus) time.Time {
	if k.CreatedAt == nil {
		return time.Time{}
	}
	return k.CreatedAt.Time
}

// keysText names keys: "key 2", or "keys 3, 2 and 1".
func keysText(versions []int64) string {
	if len(versions) == 0 {
		return "no key"
	}
	if len(versions) == 1 {
		return fmt.Sprintf("key %d", versions[0])
	}
	var texts []string
	for _, v := range versions {
		texts = append(texts, fmt.Sprint(v))
	}
	last := len(texts) - 1
	return "keys " + strings.Join(texts[:last], ", ") + " and " + texts[last]
}
