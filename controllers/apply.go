package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// errNotStored reports that the stored ring is unchanged.
var errNotStored = errors.New("storing the keyring")

// apply carries out a plan: the ring first, then autoscalers that are no longer desired, then the Secrets, then the objects that
// depend on them in order, then the other objects that are no longer desired. If writing a Secret fails, apply stops: pod templates
// carry an annotation that claims which keys the Secret holds, so they must not roll out before it is written. If an object cannot
// be created or is foreign, the rest of its component waits, because it relies on the object. If an existing object cannot be
// changed, nothing waits: a volume that does not grow must not keep pods from new keys. No Secret is deleted after a failure,
// because pods that were not replaced may need it.
func (r *Reconciler) apply(ctx context.Context, p *plan) error {
	if err := r.store(ctx, p); err != nil {
		return err
	}
	if err := r.prune(ctx, p, isAutoscaler); err != nil {
		return err
	}
	var failures []error
	waiting := map[string]bool{}
	for _, c := range p.changed {
		component := c.object.GetLabels()[todov1.LabelComponent]
		if waiting[component] {
			continue
		}
		if err := r.write(ctx, c); err != nil && !r.lostRoute(p, c, err) {
			failures = append(failures, err)
			waiting[component] = !c.exists || c.foreign != nil
			if c.secret() {
				return err
			}
		}
	}
	prunable := func(object client.Object) bool {
		_, secret := object.(*corev1.Secret)
		return !isAutoscaler(object) && (!secret || len(failures) == 0)
	}
	failures = append(failures, r.prune(ctx, p, prunable), r.refresh(ctx, p))
	return errors.Join(failures...)
}

// write applies a change. If the API server rejects parts of the object that another field manager has changed, it replaces those
// parts and applies the change again.
func (r *Reconciler) write(ctx context.Context, c *change) error {
	if c.foreign != nil {
		return c.foreign
	}
	err := r.applyChange(ctx, c)
	if parts := c.conflicting(err); len(parts) > 0 {
		reset := r.resetParts(ctx, c, parts)
		if apierrors.IsInvalid(reset) {
			return err // the spec of the app is at fault
		}
		if reset != nil {
			return reset
		}
		return r.applyChange(ctx, c)
	}
	return err
}

// prune deletes the selected ones of the objects that are no longer desired, in the version that was read.
func (r *Reconciler) prune(ctx context.Context, p *plan, selected func(client.Object) bool) error {
	for _, object := range p.toPrune {
		if !selected(object) {
			continue
		}
		version := object.GetResourceVersion()
		err := r.Client.Delete(ctx, object, client.Preconditions{UID: new(object.GetUID()), ResourceVersion: &version})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("pruning %s %s: %w", r.kindOf(object), object.GetName(), err)
		}
		object.SetResourceVersion("")
		r.wrote(object, version)
	}
	return nil
}

// applyChange writes an object, and keeps the answer of the API server.
func (r *Reconciler) applyChange(ctx context.Context, c *change) error {
	before := ""
	if c.exists {
		before = c.object.GetResourceVersion()
	}
	if err := r.resetFields(ctx, c); err != nil {
		return err
	}
	if err := r.keepReplicas(ctx, c); err != nil {
		return err
	}
	after, err := r.send(ctx, c)
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", c.object.GetKind(), c.object.GetName(), err)
	}
	c.after = after
	r.wrote(after, before)
	return nil
}

// send creates or applies an object, and returns it as the API server has stored it. A creation costs the API server half of what
// an apply that creates an object costs, and less again in the typed form, which is sent and answered as protobuf.
func (r *Reconciler) send(ctx context.Context, c *change) (client.Object, error) {
	if c.creator == "" {
		config := client.ApplyConfigurationFromUnstructured(c.object)
		err := r.Client.Apply(ctx, config, client.FieldOwner(FieldOwner), client.ForceOwnership)
		return c.object, err //nolint:wrapcheck // the caller wraps it
	}
	object, err := r.objectOf(c.object.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(c.object.Object, object); err != nil {
		return nil, fmt.Errorf("decoding the desired object: %w", err)
	}
	if err := r.Client.Create(ctx, object, client.FieldOwner(c.creator)); err != nil {
		return nil, err //nolint:wrapcheck // the caller wraps it
	}
	// An admission webhook of the cluster may have changed the object.
	if same, err := contains(object, c.object); err == nil && same {
		r.settled.add(object, c.content)
	}
	return object, nil
}

// wrote remembers a write of an object until the cache shows it.
func (r *Reconciler) wrote(object client.Object, before string) {
	app := types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetLabels()[todov1.LabelApp]}
	r.kindOf(object) // a typed object does not carry its kind
	kind := object.GetObjectKind().GroupVersionKind()
	r.ownWrites.note(app, ownWrite{kind, object.GetName(), before}, object.GetResourceVersion())
}

// resetFields removes from an object the fields that an apply would leave in it, if it still has the version that was read.
func (r *Reconciler) resetFields(ctx context.Context, c *change) error {
	if c.reset == nil && !c.ownUpdates {
		return nil
	}
	patch := &unstructured.Unstructured{Object: maps.Clone(c.reset)}
	if c.ownUpdates {
		managed, err := r.liveManagedFields(ctx, c)
		if err != nil {
			return err
		}
		patch.SetManagedFields(managed)
	}
	patch.SetResourceVersion(c.object.GetResourceVersion())
	data, err := json.Marshal(patch.Object)
	if err != nil {
		return fmt.Errorf("encoding the fields to remove: %w", err)
	}
	return r.patch(ctx, c, client.RawPatch(types.MergePatchType, data), "removing fields of")
}

// patch patches the live object of a change before it is applied, so that the apply names the version that results.
func (r *Reconciler) patch(ctx context.Context, c *change, patch client.Patch, doing string) error {
	changed := c.object.DeepCopy()
	if err := r.Client.Patch(ctx, changed, patch, client.FieldOwner(FieldOwner)); err != nil {
		return fmt.Errorf("%s %s %s: %w", doing, c.object.GetKind(), c.object.GetName(), err)
	}
	c.object.SetResourceVersion(changed.GetResourceVersion())
	return nil
}

// liveManagedFields returns the managed fields of a live object as if the operator had applied every field that it owns. The cached
// object has no fields of other managers, so it is read from the API server. It must still have the version that was read.
func (r *Reconciler) liveManagedFields(ctx context.Context, c *change) ([]metav1.ManagedFieldsEntry, error) {
	kind := c.object.GroupVersionKind()
	live, err := r.liveObject(ctx, kind, client.ObjectKeyFromObject(c.object))
	if err != nil {
		return nil, err
	}
	if live == nil || live.GetResourceVersion() != c.object.GetResourceVersion() {
		resource := schema.GroupResource{Group: kind.Group, Resource: kind.Kind}
		conflict := apierrors.NewConflict(resource, c.object.GetName(), errors.New("it has changed since it was read"))
		return nil, fmt.Errorf("removing fields: %w", conflict)
	}
	return asApplied(live.GetManagedFields()), nil
}

func (c *change) secret() bool { return c.object.GetKind() == "Secret" }

// store writes the keyring if the live one does not match. The keyring is created or patched in the version that was read: both
// fail if another manager was faster, whose ring then stays. A patch holds the changes only, because the cached keyring lacks what
// no decision reads.
func (r *Reconciler) store(ctx context.Context, p *plan) error {
	var err error
	before := p.keyring.ResourceVersion
	switch {
	case p.observed.keyring == nil:
		err = r.Client.Create(ctx, p.keyring, client.FieldOwner(FieldOwner))
	case p.stored():
		return nil
	default:
		changes := client.MergeFromWithOptions(p.observed.keyring.DeepCopy(), client.MergeFromWithOptimisticLock{})
		err = r.Client.Patch(ctx, p.keyring, changes, client.FieldOwner(FieldOwner))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNotStored, err)
	}
	r.wrote(p.keyring, before)
	return nil
}

// refresh annotates pods with stale keys, because any change of a pod makes the kubelet renew its mounted Secrets.
func (r *Reconciler) refresh(ctx context.Context, p *plan) error {
	note := refreshNote{versions: keyring.FormatVersions(p.keys.Backend.Versions), at: p.observed.now}
	for _, pod := range p.stale {
		touch := corev1ac.Pod(pod.Name, pod.Namespace).WithUID(pod.UID).
			WithAnnotations(map[string]string{todov1.AnnotationRefresh: note.String()})
		err := r.Client.Apply(ctx, touch, client.FieldOwner(FieldOwner), client.ForceOwnership)
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("refreshing pod %s: %w", pod.Name, err)
		}
	}
	return nil
}
