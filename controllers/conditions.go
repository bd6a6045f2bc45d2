package controllers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

func keysInSync(app *todov1.TodoApp, p *plan, applyErr error) assessment {
	if p.blocker != nil {
		return fails(p.blocker.reason, "%s", p.blocker.message)
	}
	if len(slices.DeleteFunc(failuresOf(applyErr), isForeign)) > 0 { // a foreign object is no Secret: that blocks the app
		return assessment{metav1.ConditionUnknown, todov1.ReasonApplyFailed, oneLine(applyErr) + "."}
	}
	if p.notice.reason != "" {
		return p.notice
	}
	if held := keysHeldUp(app, p); held.reason != "" {
		return held
	}
	active, _ := p.step.Ring.Active()
	found := ""
	if keyringFound(app, p.keyring) {
		found = " The keyring was found: Secret " + p.keyring.Name + " is older than this TodoApp."
	}
	return holds(todov1.ReasonInSync, "Secrets %s and %s hold key version %d.%s%s",
		desired.FrontendSecret(app), desired.BackendSecret(app), active.Version, found, p.observed.silent(readyNames(p.awaited)))
}

// readyNames returns the names of the pods that are ready. If such a pod gives no answer, the kubelet reaches it and the operator
// does not.
func readyNames(pods []*corev1.Pod) []string {
	var names []string
	for _, pod := range pods {
		if ready(pod) {
			names = append(names, pod.Name)
		}
	}
	return names
}

// rotationComplete reports whether a single key is in use and, if not, what the rotation waits for.
func rotationComplete(app *todov1.TodoApp, p *plan) assessment {
	step := p.step
	active, _ := step.Ring.Active()
	listed := strings.Join(step.Waiting[:min(len(step.Waiting), maxListed)], ", ")
	note := p.observed.heldRollout() + p.observed.silent(step.Waiting) + scheduledRevocation(app, p)
	if !desired.Embedded(app) {
		note += " The backend is rolled at each step: if its image reads BETTER_AUTH_SECRET alone, " +
			"tokens signed with a replaced key fail."
	}
	switch {
	case step.RevocationDue:
		return fails(todov1.ReasonRevocationPending,
			"Keys created before %s are to be revoked, and pods still trust them: condition KeysInSync says what the operator waits for.",
			app.Spec.Auth.Rotation.RevokeBefore.UTC().Format(time.RFC3339))
	case step.RevocationUnproven:
		return fails(todov1.ReasonRevocationPending,
			"Keys created before %s may still be trusted: the keyring was rebuilt from Secrets that do not prove that they were revoked. "+
				"Set spec.auth.rotation.revokeBefore to the present time to revoke the keys, or remove it to keep them.",
			app.Spec.Auth.Rotation.RevokeBefore.UTC().Format(time.RFC3339))
	case step.Held && step.Phase != keyring.PhasePromoting: // else pods or Secrets may still use a revoked key
		return fails(todov1.ReasonQueued, "A rotation is due. It begins as soon as fewer other apps rotate.%s", note)
	case step.Phase == keyring.PhaseStable:
		return holds(todov1.ReasonComplete, "Key version %d is in use.%s", active.Version, scheduledRevocation(app, p))
	case step.Phase == keyring.PhaseDraining && step.Deferred:
		return fails(todov1.ReasonTooManyKeys,
			"A rotation is due and waits: the API trusts three keys at most, until the oldest retires.%s", note)
	case step.Phase == keyring.PhaseDraining:
		return fails(todov1.ReasonDraining,
			"Key version %d signs; tokens signed with the one before are accepted until they have expired.%s", active.Version, note)
	case step.Phase == keyring.PhasePublishing:
		return fails(todov1.ReasonWaitingForPods, "A new key is published; waiting for %s to take it up.%s", listed, note)
	case listed == "":
		return fails(todov1.ReasonHandover,
			"Key version %d signs; a frontend that cannot be seen has spec.frontend.handoverPeriod to let go of the one before.%s",
			active.Version, note)
	default:
		return fails(todov1.ReasonWaitingForPods, "Key version %d signs; waiting for %s to let go of the one before.%s",
			active.Version, listed, note)
	}
}

// scheduledRevocation tells of a revocation whose moment has not come by the operator's clock; empty if there is none. To an owner
// whose clock is ahead, it would otherwise seem to be complete.
func scheduledRevocation(app *todov1.TodoApp, p *plan) string {
	moment := app.Spec.Auth.Rotation.RevokeBefore
	if moment == nil || !moment.After(p.observed.now) {
		return ""
	}
	return fmt.Sprintf(" The revocation of %s has not begun: that moment has not come by the operator's clock.",
		moment.UTC().Format(time.RFC3339))
}

// terminationDelay is how long a pod may exist after its grace period before its node is suspected.
const terminationDelay = time.Minute

// silent names the first of the awaited pods that does not terminate or gives no answer, and the likely cause.
func (w *snapshot) silent(awaited []string) string {
	for i := range w.pods {
		pod := &w.pods[i]
		if !slices.Contains(awaited, pod.Name) {
			continue
		}
		if gone := pod.DeletionTimestamp; gone != nil && w.now.Sub(gone.Time) > terminationDelay {
			return fmt.Sprintf(" Pod %s should have terminated at %s: if the machine of node %s is gone, delete the Node object.",
				pod.Name, gone.UTC().Format(time.RFC3339), pod.Spec.NodeName)
		}
		err := w.answers[pod.UID].err
		if err == nil {
			continue
		}
		if errors.Is(err, syscall.ECONNREFUSED) && !ready(pod) {
			return fmt.Sprintf(" Pod %s %s: its container does not listen.", pod.Name, err)
		}
		return fmt.Sprintf(" Pod %s %s: NetworkPolicy? mesh? The operator must reach port %d of the pod.",
			pod.Name, err, desired.OperationsPort)
	}
	return ""
}

// sourceValid reports whether the external source holds a value that is the active key or can become it.
func sourceValid(app *todov1.TodoApp, p *plan) assessment {
	ref := app.Spec.Auth.Source.SecretRef
	if o := claimedSource(app, p.observed); o != nil {
		return fails(o.reason, "%s", o.message)
	}
	if p.observed.source == nil || len(p.observed.source.Data[ref.Key]) == 0 {
		return fails(todov1.ReasonSourceMissing, "Secret %s has no entry %s: create it.", ref.Name, ref.Key)
	}
	value := keyring.Value(p.observed.source.Data[ref.Key])
	if err := keyring.Check(value); err != nil {
		return fails(todov1.ReasonSourceInvalid, "Entry %s of Secret %s cannot be used: it %s. The present key stays.",
			ref.Key, ref.Name, err)
	}
	active, _ := p.step.Ring.Active()
	i := slices.IndexFunc(p.step.Ring.Keys, func(k keyring.Key) bool { return k.Value == value })
	if i >= 0 && p.step.Ring.Keys[i].Version < active.Version {
		return fails(todov1.ReasonSourceReverted,
			"Secret %s holds key version %d, which was replaced or revoked and does not come back: write a new value.",
			ref.Name, p.step.Ring.Keys[i].Version)
	}
	return holds(todov1.ReasonValid, "Secret %s holds a usable value.", ref.Name)
}
