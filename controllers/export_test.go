package controllers

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// CreatedAsDesired creates a desired object as a reconcile does. It reports whether the live object counts as up to date if it is
// compared, and whether it counts as settled without a comparison.
func CreatedAsDesired(ctx context.Context, c client.Client, want *unstructured.Unstructured) (upToDate, settled bool, err error) {
	r := &Reconciler{Client: c, Live: c, driftDetector: newDriftDetector(c.Scheme())}
	created, err := r.creation(want.DeepCopy())
	if err != nil {
		return false, false, err
	}
	created.content = []byte("desired")
	if _, err := r.send(ctx, created); err != nil {
		return false, false, err
	}
	live, err := r.liveObject(ctx, want.GroupVersionKind(), client.ObjectKeyFromObject(want))
	if err != nil {
		return false, false, err
	}
	shrink(live)
	upToDate, err = r.driftDetector.upToDate(live, want)
	return upToDate, r.settled.has(live, created.content), err
}
