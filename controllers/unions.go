package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// unions lists the parts of objects of which the API server admits one of several members: the handler of a probe, the source of
// a volume, the limit of a disruption budget. If another field manager has chosen another member, an apply adds the operator's and
// leaves the other, and the API server rejects the two together.
var unions = map[string][][]string{
	"Deployment":          {{"spec", "strategy"}, {"spec", "template", "spec"}},
	"PodDisruptionBudget": {{"spec"}},
}

// conflicting returns the parts of an existing object about which the API server complains.
func (c *change) conflicting(err error) [][]string {
	var rejected apierrors.APIStatus
	if !c.exists || !apierrors.IsInvalid(err) || !errors.As(err, &rejected) || rejected.Status().Details == nil {
		return nil
	}
	var parts [][]string
	for _, part := range unions[c.object.GetKind()] {
		prefix := strings.Join(part, ".")
		for _, cause := range rejected.Status().Details.Causes {
			if cause.Field == prefix || strings.HasPrefix(cause.Field, prefix+".") {
				parts = append(parts, part)
				break
			}
		}
	}
	return parts
}

// resetParts replaces parts of an object by the desired ones, if it still has the version that was read. The fields of other
// field managers in these parts are lost, unlike by an apply.
func (r *Reconciler) resetParts(ctx context.Context, c *change, parts [][]string) error {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	operations := []operation{{"replace", "/metadata/resourceVersion", c.object.GetResourceVersion()}}
	for _, part := range parts {
		if value, found, _ := unstructured.NestedFieldNoCopy(c.object.Object, part...); found {
			operations = append(operations, operation{"replace", "/" + strings.Join(part, "/"), value})
		}
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		return fmt.Errorf("encoding the desired fields: %w", err)
	}
	return r.patch(ctx, c, client.RawPatch(types.JSONPatchType, patch), "resetting fields of")
}
