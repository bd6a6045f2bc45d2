package controllers

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// replicasOwner is the field manager that keeps the replicas of a Deployment while they pass from the operator to an autoscaler.
const replicasOwner = FieldOwner + "-replicas"

// replicas is the field that an autoscaler sets.
var replicas = fieldpath.MakePathOrDie("spec", "replicas")

// keptReplicas returns the live replicas of a Deployment if applying the desired one would give them up. It is nil otherwise. The
// API server sets a field to its default when its only owner gives it up, so the Deployment would have one pod for a moment.
func keptReplicas(live client.Object, want *unstructured.Unstructured) (*int32, error) {
	d, ok := live.(*appsv1.Deployment)
	if _, set, _ := unstructured.NestedFieldNoCopy(want.Object, "spec", "replicas"); !ok || set {
		return nil, nil
	}
	for _, entry := range d.ManagedFields {
		if !own(entry) || entry.FieldsV1 == nil {
			continue
		}
		owned, err := fieldSet(d, entry)
		if err != nil {
			return nil, err
		}
		if owned.Has(replicas) {
			return d.Spec.Replicas, nil
		}
	}
	return nil, nil
}

// keepReplicas applies the live replicas of a Deployment under another field manager, in the version that was read.
func (r *Reconciler) keepReplicas(ctx context.Context, c *change) error {
	if c.replicas == nil {
		return nil
	}
	kept := &unstructured.Unstructured{}
	kept.SetGroupVersionKind(c.object.GroupVersionKind())
	kept.SetNamespace(c.object.GetNamespace())
	kept.SetName(c.object.GetName())
	kept.SetResourceVersion(c.object.GetResourceVersion())
	if err := unstructured.SetNestedField(kept.Object, int64(*c.replicas), "spec", "replicas"); err != nil {
		return fmt.Errorf("keeping the replicas of Deployment %s: %w", c.object.GetName(), err)
	}
	config := client.ApplyConfigurationFromUnstructured(kept)
	if err := r.Client.Apply(ctx, config, client.FieldOwner(replicasOwner), client.ForceOwnership); err != nil {
		return fmt.Errorf("keeping the replicas of Deployment %s: %w", c.object.GetName(), err)
	}
	c.object.SetResourceVersion(kept.GetResourceVersion())
	return nil
}

// isAutoscaler reports whether an object sets the replicas of a Deployment. It is pruned before the Deployment is written, so that
// the two do not set the replicas in turn.
func isAutoscaler(object client.Object) bool {
	_, ok := object.(*autoscalingv2.HorizontalPodAutoscaler)
	return ok
}

// autoscalerActive reports whether the operator's autoscalers can compute the number of pods. Its reason is empty if the app has
// none.
func autoscalerActive(app *todov1.TodoApp, w *snapshot) assessment {
	var result assessment
	for name, spec := range map[string]*todov1.AutoscalingSpec{
		desired.Frontend(app): app.Spec.Frontend.Autoscaling, desired.Backend(app): app.Spec.Backend.Autoscaling,
	} {
		if !desired.OwnAutoscaler(spec) || result.status == metav1.ConditionFalse {
			continue
		}
		result = w.scaling(name)
	}
	return result
}

// scaling returns the assessment of one autoscaler by its own conditions.
func (w *snapshot) scaling(name string) assessment {
	for _, object := range w.others {
		scaler, ok := object.(*autoscalingv2.HorizontalPodAutoscaler)
		if !ok || scaler.Name != name {
			continue
		}
		for _, c := range scaler.Status.Conditions {
			limited := c.Type == autoscalingv2.ScalingLimited
			if c.Status == corev1.ConditionFalse && !limited {
				return fails(todov1.ReasonNotScaling, "HorizontalPodAutoscaler %s does not scale (%s): %s. "+
					"Check the metrics that it needs, such as those of metrics-server, and the CPU requests of the pods.",
					name, c.Reason, c.Message)
			}
		}
		if len(scaler.Status.Conditions) > 0 {
			return holds(todov1.ReasonScaling, "HorizontalPodAutoscaler %s asks for %d pods.", name, scaler.Status.DesiredReplicas)
		}
	}
	return assessment{metav1.ConditionUnknown, todov1.ReasonProgressing, "HorizontalPodAutoscaler " + name + " has not run yet."}
}
