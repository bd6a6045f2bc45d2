package controllers

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// CreatedAsDesired creates a desired object as a reconcile does, and reports whether the live object then counts as up to date.
func CreatedAsDesired(ctx context.Context, c client.Client, want *unstructured.Unstructured) (bool, error) {
	r := &Reconciler{Client: c, Live: c, driftDetector: newDriftDetector(c.Scheme())}
	created, err := r.creation(want.DeepCopy())
	if err != nil {
		return false, err
	}
	if _, err := r.send(ctx, created); err != nil {
		return false, err
	}
	live, err := r.liveObject(ctx, want.GroupVersionKind(), client.ObjectKeyFromObject(want))
	if err != nil {
		return false, err
	}
	shrink(live)
	return r.driftDetector.upToDate(live, want)
}
