package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// plan is what one look at the world calls for.
type plan struct {
	observed *snapshot
	step     keyring.Step
	keys     desired.Keys
	// keyring is the Secret that holds the ring, as it should be.
	keyring *corev1.Secret
	// blocker is what the app's owner must decide before anything is written; nil when nothing is.
	blocker *blocker
	// notice is what the app's owner must know before the plan is carried out; its reason is empty if there is nothing.
	notice assessment
	// changed are the desired objects that the live ones do not match yet, in the order of writing.
	changed []change
	// toPrune are the live objects that are no longer desired.
	toPrune []client.Object
	// awaited are running pods that do not confirm the present keys yet, stale those of them to be refreshed now.
	awaited, stale []*corev1.Pod
}

// change is a desired object that the live one, if any, does not match.
type change struct {
	object *unstructured.Unstructured
	// exists says that the live object is the app's. One that was not seen may be someone else's: it is not forced.
	exists bool
	// staleEntries are the entries of a Secret that have to go first.
	staleEntries []string
}

// idle reports whether the plan writes nothing.
func (p *plan) idle() bool {
	return p.blocker != nil || p.stored() && len(p.changed)+len(p.toPrune)+len(p.stale) == 0
}

// stored reports whether the keyring is as it should be.
func (p *plan) stored() bool {
	return p.observed.keyring != nil && equality.Semantic.DeepEqual(p.observed.keyring, p.keyring)
}

// plan looks at the world of an app and says what it calls for.
func (r *Reconciler) plan(ctx context.Context, reader client.Reader, app *todov1.TodoApp, before answers) (*plan, error) {
	if app.Undecodable != "" {
		return nil, errUndecodable
	}
	observed, err := r.observe(ctx, reader, app, before)
	if err != nil {
		return nil, err
	}
	p := &plan{observed: observed}
	ring, err := observed.ring()
	if err == nil {
		p.step, err = keyring.Next(ring, r.inputs(app, observed))
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
	p.stale = overdue(p.awaited, p.keys.Backend.Versions, changed(p.step.Ring), observed.now)
	if p.keyring, err = p.keyringSecret(app); err != nil {
		return nil, err
	}
	return p, r.compare(p, app)
}

// currentStep is where the ring stands that is stored; empty where there is none that can be read.
func (r *Reconciler) currentStep(app *todov1.TodoApp, p *plan) keyring.Step {
	ring, _ := p.observed.ring() // the obstacle says what is wrong with it
	return keyring.CurrentStep(ring, r.inputs(app, p.observed))
}

func (r *Reconciler) inputs(app *todov1.TodoApp, observed *snapshot) keyring.Inputs {
	return keyring.Inputs{
		Now:       observed.now,
		Policy:    policyOf(app),
		Verifiers: observed.fleet(todov1.ComponentBackend),
		Signers:   observed.fleet(todov1.ComponentFrontend),
		Recovery:  observed.recovery(),
		Projected: observed.projections(app),
		Source:    observed.sourceValue(app),
		Fresh:     r.NewKey,
	}
}

// ring is the app's ring as it is stored; empty when there is none.
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

func (w *snapshot) recovery() keyring.Recovery {
	var recovery keyring.Recovery
	if s := w.secrets[todov1.ComponentFrontend]; s != nil {
		recovery.Frontend = s.Data
	}
	if s := w.secrets[todov1.ComponentBackend]; s != nil {
		recovery.Backend = s.Data
	}
	return recovery
}

// compare finds what of the desired differs from the live objects, and what of those is no longer desired.
func (r *Reconciler) compare(p *plan, app *todov1.TodoApp) error {
	type identity struct{ kind, name string }
	live := map[identity]client.Object{}
	for _, object := range p.observed.objects() {
		live[identity{r.kindOf(object), object.GetName()}] = object
	}
	for _, config := range desired.Objects(app, p.keys, r.Images, r.Network) {
		want, err := unstructuredOf(config)
		if err != nil {
			return err
		}
		id := identity{want.GetKind(), want.GetName()}
		have, exists := live[id]
		delete(live, id)
		if err := noSmaller(want, have); err != nil {
			return err
		}
		upToDate := false
		if exists {
			if upToDate, err = r.driftDetector.upToDate(have, want); err != nil {
				return err
			}
		}
		if extra := staleEntries(have, want); !upToDate || len(extra) > 0 {
			p.changed = append(p.changed, change{pinned(want, have), exists, extra})
		}
	}
	for _, object := range live {
		if prunable(object, app) {
			p.toPrune = append(p.toPrune, object)
		}
	}
	return nil
}

// pinned makes the write of a Secret fail when the Secret is no longer the one that was seen:
// an outdated manager must not put an older ring in the place of a newer one.
func pinned(want *unstructured.Unstructured, have client.Object) *unstructured.Unstructured {
	if secret, ok := have.(*corev1.Secret); ok {
		want.SetResourceVersion(secret.ResourceVersion)
	}
	return want
}

// noSmaller leaves a volume claim as large as it is: somebody may have grown it, and none can be made smaller.
func noSmaller(want *unstructured.Unstructured, have client.Object) error {
	claim, ok := have.(*corev1.PersistentVolumeClaim)
	if !ok {
		return nil
	}
	path := []string{"spec", "resources", "requests", string(corev1.ResourceStorage)}
	asked, _, _ := unstructured.NestedString(want.Object, path...)
	size, err := resource.ParseQuantity(asked)
	if err != nil {
		return fmt.Errorf("reading the size of claim %s: %w", claim.Name, err)
	}
	if present := claim.Spec.Resources.Requests.Storage(); present.Cmp(size) > 0 {
		return unstructured.SetNestedField(want.Object, present.String(), path...) //nolint:wrapcheck // it cannot fail
	}
	return nil
}

// prunable reports whether an object is the app's to delete: volumes never are.
func prunable(object client.Object, app *todov1.TodoApp) bool {
	if _, claim := object.(*corev1.PersistentVolumeClaim); claim {
		return false
	}
	return desired.Managed(object) && metav1.IsControlledBy(object, app) && object.GetDeletionTimestamp().IsZero()
}

// kindOf is the kind of an object of the scheme; lists do not say it of their items.
func (r *Reconciler) kindOf(object client.Object) string {
	gvk, err := r.Client.GroupVersionKindFor(object)
	if err != nil {
		return ""
	}
	object.GetObjectKind().SetGroupVersionKind(gvk)
	return gvk.Kind
}
