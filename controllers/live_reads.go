package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

var (
	// errDeleted says that the app is being deleted or has moved to another shard, or that another app has its name.
	errDeleted = errors.New("the app is deleted")
	// errChanging says that the app changed each time while its objects were read.
	errChanging = errors.New("the app changes")
)

// needsLiveReads reports whether a stale cache could make a plan harmful. Such a plan rests on evidence that no resourceVersion
// protects: that no pod uses a key any more, that Secrets hold keys to adopt, or that an object is the app's to take or to delete.
// Every other write fails if its object has changed since it was read (docs/decisions/2026-11-26-live-reads-for-evidence.md).
func (p *plan) needsLiveReads(app *todov1.TodoApp) bool {
	switch p.step.Action {
	case keyring.ActionNone:
	case keyring.ActionPublish, keyring.ActionRevoke:
		if p.drifted(app) {
			return true // the keyring may have been restored: then a pod may hold the version that is next
		}
	case keyring.ActionCreate:
		if len(app.Status.Keys) > 0 {
			return true // it had keys: they may be in a Secret that the cache does not show
		}
	case keyring.ActionAdopt, keyring.ActionRecover, keyring.ActionDemote, keyring.ActionPromote, keyring.ActionCorrect:
		return true
	}
	return p.notice.reason != "" || p.takesOver(app) || p.endsWaiting(app)
}

// drifted reports whether a Secret differs from its projection of the stored ring.
func (p *plan) drifted(app *todov1.TodoApp) bool {
	ring, err := p.observed.ring()
	if err != nil {
		return true
	}
	policy := policyOf(app)
	for component, projection := range map[string]keyring.Projection{
		todov1.ComponentFrontend: ring.Frontend(p.observed.now, policy), todov1.ComponentBackend: ring.Backend(p.observed.now, policy),
	} {
		secret := p.observed.secrets[component]
		if secret == nil {
			return true
		}
		for entry, value := range projection.Data {
			if string(secret.Data[entry]) != value {
				return true
			}
		}
	}
	return false
}

// needsApp reports whether a plan is harmful if the app is being deleted.
func (p *plan) needsApp(app *todov1.TodoApp) bool {
	rotates := p.step.Action == keyring.ActionPromote || p.step.Action == keyring.ActionDemote
	return !p.idle() && !rotates || p.takesOver(app)
}

// takesOver reports whether the plan takes an existing object for the app, or deletes one.
func (p *plan) takesOver(app *todov1.TodoApp) bool {
	if p.idle() {
		return false
	}
	if stored := p.observed.keyring; stored != nil {
		found := keyringFound(app, p.keyring) && !keyringFound(app, stored)
		if found || !equality.Semantic.DeepEqual(stored.OwnerReferences, p.keyring.OwnerReferences) {
			return true
		}
	}
	return len(p.toPrune) > 0 || slices.ContainsFunc(p.changed, func(c *change) bool { return c.takesOver })
}

// endsWaiting reports whether the status would say for the first time that no pod uses a replaced or revoked key.
func (p *plan) endsWaiting(app *todov1.TodoApp) bool {
	if p.step.Ring.Empty() || p.step.Action == keyring.ActionCreate {
		return false
	}
	return !toldComplete(app, p.step.Ring) && !waits(rotationComplete(app, p).reason)
}

// toldComplete reports whether the app's status says that no pod uses a replaced or revoked key. A status that does not list the
// revocation yet was written before it: if a manager was killed in between, that status does not count.
func toldComplete(app *todov1.TodoApp, ring keyring.Ring) bool {
	before := meta.FindStatusCondition(app.Status.Conditions, todov1.ConditionRotationComplete)
	return before != nil && !waits(before.Reason) && listsRevocations(app.Status.Keys, ring)
}

// waits reports whether a reason of the condition RotationComplete says that something may use a replaced or revoked key.
func waits(reason string) bool {
	return reason == todov1.ReasonWaitingForPods || reason == todov1.ReasonHandover || reason == todov1.ReasonRevocationPending
}

// listsRevocations reports whether a status lists every revoked key of a ring as revoked.
func listsRevocations(listed []todov1.KeyStatus, ring keyring.Ring) bool {
	return !slices.ContainsFunc(ring.Keys, func(k keyring.Key) bool {
		return !k.RevokedAt.IsZero() && !slices.ContainsFunc(listed, func(s todov1.KeyStatus) bool {
			return s.Version == k.Version && s.RevokedAt != nil
		})
	})
}

// planLive plans on live reads of the Secrets with keys, and of everything that runs pods. It does not ask a pod again that has
// just answered: the pod trusts the same keys until the ring changes, the ring is read again, and a version never gets another key.
//
// If the plan takes over or deletes an object, it reads the app after everything else. If the app is not being deleted then, every
// object was read before a deletion began, and every write carries the resourceVersion that was read. So if "kubectl delete
// --cascade=orphan" releases an object after that, the write fails instead of making the app own the object again, which the
// garbage collector would delete. An object that the app owned when it was read needs no such proof.
func (r *Reconciler) planLive(ctx context.Context, app *todov1.TodoApp, cached *snapshot) (*plan, error) {
	for range 3 {
		p, err := r.plan(ctx, r.Live, app, cached)
		if err != nil {
			return nil, err
		}
		p.live = true
		if !p.needsApp(app) {
			return p, nil
		}
		present := &todov1.TodoApp{}
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(app), present); err != nil {
			return nil, fmt.Errorf("reading the app: %w", err)
		}
		if present.UID != app.UID || !present.DeletionTimestamp.IsZero() || !r.ours(present) {
			return nil, errDeleted
		}
		if present.Generation == app.Generation && maps.Equal(present.Annotations, app.Annotations) {
			return p, nil
		}
		present.DeepCopyInto(app) // the plan was for a spec of the past
	}
	return nil, errChanging
}

// complete reads from the API server those objects of which the cache holds only the identity and which the operator writes.
func (r *Reconciler) complete(ctx context.Context, w *snapshot, app *todov1.TodoApp) error {
	own := ownNames(app)
	for i := range w.deployments {
		if d := &w.deployments[i]; trimmed(d) && slices.Contains(own, d.Name) {
			if err := r.readWhole(ctx, d); err != nil {
				return err
			}
		}
	}
	for i := range w.claims {
		if claim := &w.claims[i]; trimmed(claim) && slices.Contains(own, claim.Name) {
			if err := r.readWhole(ctx, claim); err != nil {
				return err
			}
		}
	}
	for _, object := range w.others {
		if trimmed(object) && slices.Contains(own, object.GetName()) {
			if err := r.readWhole(ctx, object); err != nil {
				return err
			}
		}
	}
	return nil
}

// readWhole replaces an object by the one of the API server. An object that is gone stays as it was.
func (r *Reconciler) readWhole(ctx context.Context, object client.Object) error {
	object.SetAnnotations(nil) // a decoder adds to a map
	object.SetLabels(nil)
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(object), object); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading %s %s: %w", r.kindOf(object), object.GetName(), err)
	}
	return nil
}

// liveObject returns the object of a kind and a name from the API server, with its kind, which a typed answer lacks. It is nil if
// there is none.
func (r *Reconciler) liveObject(ctx context.Context, kind schema.GroupVersionKind, key client.ObjectKey) (client.Object, error) {
	object, err := r.objectOf(kind)
	if err != nil {
		return nil, err
	}
	err = r.Live.Get(ctx, key, object)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind.Kind, key.Name, err)
	}
	object.GetObjectKind().SetGroupVersionKind(kind)
	return object, nil
}

// overtaken reports whether a write failed because an object had changed since it was read. A conflict over fields is different:
// another field manager owns them, and a retry does not help.
func overtaken(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(joined.Unwrap(), overtaken)
	}
	return apierrors.IsAlreadyExists(err) ||
		apierrors.IsConflict(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict)
}
