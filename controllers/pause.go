package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// pause turns the plan of a paused app into a description of it, so that nothing but the status is written. The status
// then shows the stored keys and not those that the plan would store.
func (r *Reconciler) pause(app *todov1.TodoApp, p *plan) error {
	p.paused = true
	if p.blocker != nil {
		return nil
	}
	var err error
	if p.described, err = r.driftDetector.describe(p, r.kindOf); err != nil {
		return err
	}
	p.step = r.currentStep(app, p)
	return nil
}

// pausedCondition tells that an app is paused, and how much the operator would do.
func pausedCondition(p *plan) assessment {
	would := "It would change nothing now."
	if len(p.described) > 0 {
		would = "Field status.plan lists what it would do."
	}
	return holds(todov1.ReasonPaused, "The operator writes nothing but this status while annotation %s is \"true\". %s",
		todov1.AnnotationPaused, would)
}

// keysHeldUp tells which keys the pause keeps from where they belong; its reason is empty if there are none. A rotation that has
// not begun is no fault, and neither is a Secret that still trusts a key whose time is over.
func keysHeldUp(app *todov1.TodoApp, p *plan) assessment {
	ring := p.step.Ring
	resume := fmt.Sprintf("The app is paused: to continue, run \"kubectl annotate todoapp %s %s- -n %s\".",
		app.Name, todov1.AnnotationPaused, app.Namespace)
	switch {
	case !p.paused:
		return assessment{}
	case ring.Empty():
		return fails(todov1.ReasonPaused, "The app has no keys yet. %s", resume)
	case p.step.RevocationDue:
		return fails(todov1.ReasonPaused, "Keys created before %s are to be revoked and are still trusted. %s",
			app.Spec.Auth.Rotation.RevokeBefore.UTC().Format(time.RFC3339), resume)
	case revocationUnderWay(p.step):
		return fails(todov1.ReasonPaused, "%s may still trust a revoked key. %s",
			strings.Join(p.step.Waiting[:min(len(p.step.Waiting), maxListed)], ", "), resume)
	}
	for component, name := range map[string]string{
		todov1.ComponentFrontend: desired.FrontendSecret(app), todov1.ComponentBackend: desired.BackendSecret(app),
	} {
		if !signsWith(p.observed.secrets[component], ring) {
			return fails(todov1.ReasonPaused, "Secret %s does not hold the active key. %s", name, resume)
		}
	}
	return assessment{}
}

// revocationUnderWay reports whether the last change of the ring was a revocation that pods or Secrets have yet to take up.
func revocationUnderWay(step keyring.Step) bool {
	last := lastChange(step.Ring)
	return len(step.Waiting) > 0 && slices.ContainsFunc(step.Ring.Keys, func(k keyring.Key) bool {
		return !k.RevokedAt.IsZero() && k.RevokedAt.Equal(last)
	})
}

// signsWith reports whether a component's Secret holds the active key of a ring.
func signsWith(secret *corev1.Secret, ring keyring.Ring) bool {
	active, _ := ring.Active()
	return secret != nil && string(secret.Data[keyring.EntrySecret]) == string(active.Value)
}
