package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// compare finds the desired objects that the live ones do not match, and the live objects that are no longer desired.
func (r *Reconciler) compare(ctx context.Context, reader client.Reader, p *plan, app *todov1.TodoApp) error {
	type identity struct{ kind, name string }
	live := map[identity]client.Object{}
	for _, object := range p.observed.objects() {
		live[identity{r.kindOf(object), object.GetName()}] = object
	}
	inputs, err := json.Marshal([]any{app.UID, app.Spec.InheritedMetadata, p.observed.digests})
	if err != nil {
		return fmt.Errorf("encoding what all desired objects depend on: %w", err)
	}
	for _, config := range r.desiredObjects(app, p) {
		content, err := json.Marshal(config)
		if err != nil {
			return fmt.Errorf("encoding the desired %s: %w", *config.GetKind(), err)
		}
		content = append(content, inputs...)
		id := identity{*config.GetKind(), *config.GetName()}
		have := live[id]
		delete(live, id)
		if have != nil && r.settled.has(have, content) {
			continue
		}
		c, err := r.difference(ctx, reader, p, app, config, have)
		switch {
		case err != nil:
			return err
		case c != nil:
			c.content = content
			p.changed = append(p.changed, c)
		case have != nil:
			r.settled.add(have, content)
		}
	}
	for _, object := range live {
		if p.observed.prunable(object, app) {
			p.toPrune = append(p.toPrune, object)
		}
	}
	return nil
}

// difference returns the change that makes the live object, if any, a desired one, and nil if it already matches.
func (r *Reconciler) difference(
	ctx context.Context, reader client.Reader, p *plan, app *todov1.TodoApp, config desired.Object, have client.Object,
) (*change, error) {
	want, err := unstructuredOf(config)
	if err != nil {
		return nil, err
	}
	desired.Inherit(app, want)
	if have == nil && reader == r.Live {
		if have, err = r.unlabelled(ctx, want); err != nil {
			return nil, err
		}
	}
	if want.GetKind() == "Deployment" {
		if err := restart(want, have, p.observed.digests[want.GetLabels()[todov1.LabelComponent]]); err != nil {
			return nil, err
		}
	}
	return r.changeTo(want, have, app)
}

// unlabelled returns the live object under a desired object's name that lists by the app's label do not contain: a foreign or
// handed-over object, or an object without its label. It is nil if the name is free. Secrets were already read by their names,
// before the ring: read again here, a Secret could be newer than the ring that is about to be written over it.
func (r *Reconciler) unlabelled(ctx context.Context, want *unstructured.Unstructured) (client.Object, error) {
	if want.GetKind() == "Secret" {
		return nil, nil
	}
	return r.liveObject(ctx, want.GroupVersionKind(), client.ObjectKeyFromObject(want))
}

// unusedVersion is a resourceVersion that no object has. An apply with it creates a missing object, and fails with a conflict if
// there is one, so the operator never takes an existing object. etcd gives its first write a later version.
const unusedVersion = "1"

// creation returns the change that creates a missing object. Some objects are created by an apply: HTTPRoutes, because their
// comparison knows no other owner of fields, and Deployments of which an autoscaler sets the replicas, because Create would record
// the default number as the operator's.
func (r *Reconciler) creation(want *unstructured.Unstructured) (*change, error) {
	_, counted, err := unstructured.NestedFieldNoCopy(want.Object, "spec", "replicas")
	if err != nil {
		return nil, fmt.Errorf("reading the replicas of %s: %w", want.GetName(), err)
	}
	if want.GroupVersionKind() == routeKind || want.GetKind() == "Deployment" && !counted {
		want.SetResourceVersion(unusedVersion)
		return &change{object: want}, nil
	}
	if want.GetKind() == "Secret" {
		return &change{object: want, creator: secretCreator}, nil
	}
	_, fields, err := r.driftDetector.fields(want)
	if err != nil {
		return nil, err
	}
	name, err := creator(fields, want)
	return &change{object: want, creator: name}, err
}

// changeTo returns the change that makes a live object the desired one, and nil if it already matches. An existing object is
// changed only in the version that was read: a stale manager must not put an older ring in place of a newer one, and an
// object that the garbage collector releases from a deleted app must not be owned again.
func (r *Reconciler) changeTo(want *unstructured.Unstructured, have client.Object, app *todov1.TodoApp) (*change, error) {
	if have == nil {
		return r.creation(want)
	}
	ownership := desired.OwnershipOf(have, app)
	if ownership.Foreign() {
		return &change{object: want, exists: true, foreign: foreignObject(want.GetKind(), have, ownership)}, nil
	}
	if err := noSmaller(want, have); err != nil {
		return nil, err
	}
	upToDate, err := r.driftDetector.upToDate(have, want)
	if err != nil {
		return nil, err
	}
	reset := resetOf(have, want, app)
	if upToDate && reset == nil {
		return nil, nil
	}
	drops, err := r.driftDetector.drops(have, want)
	if err != nil {
		return nil, err
	}
	ownUpdates := drops && slices.ContainsFunc(have.GetManagedFields(), ownUpdate)
	kept, err := keptReplicas(have, want)
	if err != nil {
		return nil, err
	}
	want.SetResourceVersion(have.GetResourceVersion())
	owned := len(want.GetOwnerReferences()) == 0 || metav1.IsControlledBy(have, app)
	takesOver := ownership.Origin == desired.HandedOver || !owned || reset["metadata"] != nil
	return &change{
		object: want, exists: true, takesOver: takesOver, live: have, replicas: kept, reset: reset, ownUpdates: ownUpdates,
	}, nil
}

// noSmaller raises the desired size of a volume claim to its present size. A user may have grown it, and no claim can shrink.
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

// prunable reports whether the operator may delete an object that is no longer desired. A volume is never deleted, and a Secret
// only if nothing that runs pods of the app refers to it: pods that serve may not have been replaced yet.
func (w *snapshot) prunable(object client.Object, app *todov1.TodoApp) bool {
	switch object.(type) {
	case *corev1.PersistentVolumeClaim:
		return false
	case *corev1.Secret:
		if w.inUse(object.GetName()) {
			return false
		}
	}
	return desired.Managed(object) && metav1.IsControlledBy(object, app) && object.GetDeletionTimestamp().IsZero()
}

// inUse reports whether a pod, ReplicaSet or Deployment of the app refers to a Secret, or is too large to tell. A ReplicaSet
// without pods is history: a rollback to it would be undone by the next reconcile.
func (w *snapshot) inUse(secret string) bool {
	return slices.ContainsFunc(w.pods, func(p corev1.Pod) bool {
		return !finished(&p) && (trimmed(&p) || desired.UsesSecret(&p.Spec, secret))
	}) || slices.ContainsFunc(w.replicaSets, func(rs appsv1.ReplicaSet) bool {
		return (ptr.Deref(rs.Spec.Replicas, 1) > 0 || rs.Status.Replicas > 0) &&
			(trimmed(&rs) || desired.UsesSecret(&rs.Spec.Template.Spec, secret))
	}) || slices.ContainsFunc(w.deployments, func(d appsv1.Deployment) bool {
		return trimmed(&d) || desired.UsesSecret(&d.Spec.Template.Spec, secret)
	})
}

// kindOf returns the kind of an object of the scheme, which the items of a list do not carry.
func (r *Reconciler) kindOf(object client.Object) string {
	gvk, err := r.Client.GroupVersionKindFor(object)
	if err != nil {
		return ""
	}
	object.GetObjectKind().SetGroupVersionKind(gvk)
	return gvk.Kind
}
