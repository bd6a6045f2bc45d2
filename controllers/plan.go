package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// plan holds the changes that one snapshot of an app calls for.
type plan struct {
	observed *snapshot
	// live says that what a stale cache could make harmful was read from the API server.
	live bool
	step keyring.Step
	keys desired.Keys
	// keyring is the desired Secret that holds the ring.
	keyring *corev1.Secret
	// blocker holds the decision that the app's owner must make before anything is written; nil if there is none.
	blocker *blocker
	// notice tells the app's owner something before the plan is carried out; its reason is empty if there is nothing to tell.
	notice assessment
	// changed holds the desired objects that the live ones do not match yet, in the order of writing.
	changed []*change
	// toPrune holds the live objects that are no longer desired.
	toPrune []client.Object
	// paused says that the app is paused, and described lists what the plan would do then.
	paused    bool
	described []string
	// awaited holds the running pods that have not confirmed the present keys yet, and stale the ones among them to refresh now.
	awaited, stale []*corev1.Pod
}

// change is a desired object that the live one, if any, does not match.
type change struct {
	object *unstructured.Unstructured
	// content is the key of the desired object among the settled objects.
	content []byte
	// after is the object as the API server has stored it; nil if it was not written.
	after client.Object
	// exists says that there is a live object by that name, and live is that object.
	exists bool
	live   client.Object
	// foreign is set if the live object is not the operator's to write. The change is not carried out then.
	foreign *foreignError
	// takesOver says that the live object does not belong to the app yet.
	takesOver bool
	// replicas holds the live replicas of a Deployment that the change leaves to an autoscaler; nil for any other change.
	replicas *int32
	// reset is a merge patch that removes the fields of the live object that an apply would leave in it; nil if there are none.
	reset map[string]any
	// creator is the field manager that creates a missing object; empty if the object is applied.
	creator string
	// ownUpdates says that the operator owns fields twice that an apply drops.
	ownUpdates bool
}

// idle reports whether the plan writes nothing.
func (p *plan) idle() bool {
	return p.blocker != nil || p.paused || p.stored() && len(p.changed)+len(p.toPrune)+len(p.stale) == 0
}

// stillWaiting returns the names that delay the rotation, without those of the Secrets and Deployments that the plan has just
// written with the new keys. It returns all names if a write failed, and if no other is left: only a new plan
// can say that nothing delays the rotation.
func (p *plan) stillWaiting(applyErr error) []string {
	if left := p.unwritten(applyErr); len(left) > 0 {
		return left
	}
	return p.step.Waiting
}

// toldLater reports whether the status is left to the reconcile that the plan's own writes cause: the plan has taken a step, and
// the step waits for nothing but what was written with it. A plan that only repeats writes has its status, because another program
// may undo each of them.
func (p *plan) toldLater(applyErr error) bool {
	return p.step.Action != keyring.ActionNone && len(p.step.Waiting) > 0 && len(p.unwritten(applyErr)) == 0
}

// unwritten returns the names that delay the rotation and that the plan has not just written.
func (p *plan) unwritten(applyErr error) []string {
	if applyErr != nil || p.idle() {
		return p.step.Waiting
	}
	var written []string
	for _, c := range p.changed {
		switch kind, component := c.object.GetKind(), c.object.GetLabels()[todov1.LabelComponent]; {
		case kind == "Deployment":
			written = append(written, "deployment/"+c.object.GetName())
		case kind == "Secret" && component == todov1.ComponentFrontend:
			written = append(written, keyring.FrontendProjection)
		case kind == "Secret" && component == todov1.ComponentBackend:
			written = append(written, keyring.BackendProjection)
		}
	}
	return slices.DeleteFunc(slices.Clone(p.step.Waiting), func(name string) bool { return slices.Contains(written, name) })
}

// stored reports whether the live keyring matches the desired one.
func (p *plan) stored() bool {
	return p.observed.keyring != nil && equality.Semantic.DeepEqual(p.observed.keyring, p.keyring)
}

// planFor plans on the cache and, if the cache is too old or could make the plan harmful, on live reads. The plan of a paused app
// writes nothing: it is shown, and therefore as exact as it can be.
func (r *Reconciler) planFor(ctx context.Context, app *todov1.TodoApp, stale bool) (*plan, error) {
	p, err := r.planCached(ctx, app)
	switch {
	case err != nil:
		return nil, err
	case stale, p.needsLiveReads(app), app.Paused() && !p.idle():
		return r.planAgain(ctx, app, p)
	case app.Paused():
		err = r.pause(app, p)
	}
	return p, err
}

// planAgain plans on live reads instead of the cache.
func (r *Reconciler) planAgain(ctx context.Context, app *todov1.TodoApp, cached *plan) (*plan, error) {
	p, err := r.planLive(ctx, app, cached.observed)
	if err == nil && app.Paused() {
		err = r.pause(app, p)
	}
	return p, err
}

// planCached plans on the state of the cache, except for an app that is too large for it.
func (r *Reconciler) planCached(ctx context.Context, app *todov1.TodoApp) (*plan, error) {
	if trimmed(app) {
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(app), app); err != nil {
			return nil, fmt.Errorf("reading the app: %w", err)
		}
	}
	return r.plan(ctx, r.Client, app, &snapshot{})
}

// plan takes a snapshot of an app through a reader and computes the changes that it calls for.
func (r *Reconciler) plan(ctx context.Context, reader client.Reader, app *todov1.TodoApp, cached *snapshot) (*plan, error) {
	if app.Undecodable != "" {
		return nil, errUndecodable
	}
	observed, err := r.observe(ctx, reader, app, cached)
	if err != nil {
		return nil, err
	}
	p := &plan{observed: observed}
	ring, err := observed.ring()
	if err == nil {
		p.step, err = r.next(ctx, app, ring, r.inputs(app, observed))
	}
	if p.blocker = blockerFor(app, observed, p.step, err); p.blocker != nil {
		p.step = r.currentStep(app, p) // nothing is written
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("deciding on the keys: %w", err)
	}
	p.notice = noticeOf(app, p)
	policy := policyOf(app)
	p.keys = desired.Keys{Frontend: p.step.Ring.Frontend(observed.now, policy), Backend: p.step.Ring.Backend(observed.now, policy)}
	p.awaited = observed.unconfirmed(p.keys.Backend.Versions)
	p.stale = overdue(p.awaited, p.keys.Backend.Versions, lastChange(p.step.Ring), observed.now)
	if p.keyring, err = p.keyringSecret(app); err != nil {
		return nil, err
	}
	return p, r.compare(ctx, reader, p, app)
}

// currentStep returns the step for the stored ring without taking a transition. It is empty if no ring is stored or the ring is
// unreadable.
func (r *Reconciler) currentStep(app *todov1.TodoApp, p *plan) keyring.Step {
	ring, _ := p.observed.ring() // the blocker says why it is unreadable
	step := keyring.CurrentStep(ring, r.inputs(app, p.observed))
	r.Rotations.observe(client.ObjectKeyFromObject(app), step, p.observed.now)
	return step
}

// inputs returns the inputs of the transition function.
func (r *Reconciler) inputs(app *todov1.TodoApp, observed *snapshot) keyring.Inputs {
	return keyring.Inputs{
		Now:       observed.now,
		Policy:    policyOf(app),
		Verifiers: observed.fleet(todov1.ComponentBackend),
		Signers:   observed.fleet(todov1.ComponentFrontend),
		Recovery:  observed.recovery(app),
		Projected: observed.projections(app),
		Source:    observed.sourceValue(app),
		Fresh:     r.NewKey,
	}
}

// ring returns the app's stored ring. It is empty if no ring is stored.
func (w *snapshot) ring() (keyring.Ring, error) {
	if w.keyring == nil {
		return keyring.Ring{}, nil
	}
	ring, err := keyring.Unmarshal(w.keyring.Data)
	if err != nil {
		return keyring.Ring{}, fmt.Errorf("%w: %w", errKeyringUnreadable, err)
	}
	return ring, nil
}

var errKeyringUnreadable = errors.New("the keyring Secret is unreadable")
