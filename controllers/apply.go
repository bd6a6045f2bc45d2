package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// errNotStored says that the ring is what it was before.
var errNotStored = errors.New("storing the keyring")

// FieldOwner is the name under which the operator writes.
const FieldOwner = "todoapp-operator"

// apply carries out a plan: the ring first, then the Secrets, then what follows from them in order, then what is no longer
// wanted. A Secret that is not written ends it: a pod says by its annotation that the Secret it started from was written.
// What could not be made holds up the rest of its side, which relies on it. What is there and could not be changed holds
// up nothing: a volume that does not grow must not keep pods from new keys.
func (r *Reconciler) apply(ctx context.Context, p *plan) error {
	if err := r.store(ctx, p); err != nil {
		return err
	}
	var failures []error
	held := map[string]bool{}
	for _, c := range p.changed {
		side := c.object.GetLabels()[todov1.LabelComponent]
		if held[side] {
			continue
		}
		if err := r.write(ctx, c); err != nil {
			failures = append(failures, err)
			held[side] = !c.exists
			if c.secret() {
				return err
			}
		}
	}
	failures = append(failures, r.prune(ctx, p, len(failures) > 0), r.refresh(ctx, p))
	return errors.Join(failures...)
}

// write applies a change, and once more where the strategies of a Deployment were in each other's way.
func (r *Reconciler) write(ctx context.Context, c change) error {
	err := r.applyChange(ctx, c)
	if apierrors.IsInvalid(err) && c.strategy() != nil {
		err = errors.Join(r.resetStrategy(ctx, c), r.applyChange(ctx, c))
	}
	return err
}

// prune deletes what is no longer wanted, but no Secrets after a failure: pods that were not replaced may need them.
func (r *Reconciler) prune(ctx context.Context, p *plan, failed bool) error {
	for _, object := range p.toPrune {
		if _, secret := object.(*corev1.Secret); secret && failed {
			continue
		}
		err := r.Client.Delete(ctx, object, client.Preconditions{UID: new(object.GetUID())})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("pruning %s %s: %w", r.kindOf(object), object.GetName(), err)
		}
	}
	return nil
}

// applyChange writes an object, and leaves it as the API server has it then.
func (r *Reconciler) applyChange(ctx context.Context, c change) error {
	if err := r.create(ctx, c); err != nil {
		return err
	}
	if err := r.clear(ctx, c); err != nil {
		return err
	}
	options := []client.ApplyOption{client.FieldOwner(FieldOwner)}
	if c.exists {
		options = append(options, client.ForceOwnership)
	}
	if err := r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(c.object), options...); err != nil {
		return fmt.Errorf("applying %s %s: %w", c.object.GetKind(), c.object.GetName(), err)
	}
	return nil
}

// create makes a Secret where none was seen, and fails where there is one by now. An apply would overwrite it: what another
// app or a manager that took over has written is under the same field owner.
func (r *Reconciler) create(ctx context.Context, c change) error {
	if c.exists || !c.secret() {
		return nil
	}
	created := c.object.DeepCopy()
	if err := r.Client.Create(ctx, created, client.FieldOwner(FieldOwner)); err != nil {
		return fmt.Errorf("creating Secret %s: %w", c.object.GetName(), err)
	}
	c.object.SetResourceVersion(created.GetResourceVersion())
	return nil
}

// clear takes the leftovers out of a Secret, if it is still the one that was seen.
func (r *Reconciler) clear(ctx context.Context, c change) error {
	if len(c.staleEntries) == 0 {
		return nil
	}
	data := map[string]any{}
	for _, entry := range c.staleEntries {
		data[entry] = nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": c.object.GetResourceVersion()}, "data": data})
	if err != nil {
		return fmt.Errorf("encoding what goes: %w", err)
	}
	cleared := c.object.DeepCopy()
	if err := r.Client.Patch(ctx, cleared, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldOwner)); err != nil {
		return fmt.Errorf("clearing %s %s: %w", c.object.GetKind(), c.object.GetName(), err)
	}
	c.object.SetResourceVersion(cleared.GetResourceVersion())
	return nil
}

func (c change) secret() bool { return c.object.GetKind() == "Secret" }

// strategy is how a Deployment that exists is to replace its pods; nil for anything else.
func (c change) strategy() map[string]any {
	strategy, _, _ := unstructured.NestedMap(c.object.Object, "spec", "strategy")
	if !c.exists {
		return nil
	}
	return strategy
}

// resetStrategy takes off a Deployment what somebody set of another strategy: an apply leaves the fields of others where
// they are, and the API server then refuses the two together.
func (r *Reconciler) resetStrategy(ctx context.Context, c change) error {
	strategy := c.strategy()
	strategy["$retainKeys"] = slices.Sorted(maps.Keys(strategy))
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"strategy": strategy}})
	if err != nil {
		return fmt.Errorf("encoding the strategy: %w", err)
	}
	raw := client.RawPatch(types.StrategicMergePatchType, patch)
	if err := r.Client.Patch(ctx, c.object.DeepCopy(), raw, client.FieldOwner(FieldOwner)); err != nil {
		return fmt.Errorf("straightening %s %s: %w", c.object.GetKind(), c.object.GetName(), err)
	}
	return nil
}

// store writes the keyring when it is not as it should be. It is the operator's own state, so it is created and
// updated rather than applied: both fail when another manager was faster, and that one's ring stands.
func (r *Reconciler) store(ctx context.Context, p *plan) error {
	var err error
	switch {
	case p.observed.keyring == nil:
		err = r.Client.Create(ctx, p.keyring, client.FieldOwner(FieldOwner))
	case !p.stored():
		err = r.Client.Update(ctx, p.keyring, client.FieldOwner(FieldOwner))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNotStored, err)
	}
	return nil
}

// refresh touches pods whose keys are out of date: any change of a pod makes the kubelet renew its mounted Secrets.
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

// patchStatus writes the status when it differs from the one that the app has.
func (r *Reconciler) patchStatus(ctx context.Context, app *todov1.TodoApp, status todov1.TodoAppStatus) error {
	if equality.Semantic.DeepEqual(app.Status, status) {
		return nil
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{"status": content}}
	object.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
	object.SetNamespace(app.Namespace)
	object.SetName(app.Name)
	object.SetUID(app.UID)
	config := client.ApplyConfigurationFromUnstructured(object)
	err = r.Client.Status().Apply(ctx, config, client.FieldOwner(FieldOwner), client.ForceOwnership)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) { // then the app is gone
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}
