package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// rotate asks for a rotation of one copy, and sends the writes of the rotation: when a key is published, and when it is promoted.
func (t template) rotate(ctx context.Context, c client.Client, namespace string) error {
	app := t.Objects[0].DeepCopy()
	app.SetNamespace(namespace)
	if err := c.Patch(ctx, app, client.RawPatch(types.MergePatchType, []byte(moment("rotateAfter")))); err != nil {
		return fmt.Errorf("asking for the rotation of a copy: %w", err)
	}
	for _, step := range []int{1, 2} {
		for _, object := range t.Objects {
			if object.GetKind() != "Secret" {
				continue
			}
			object.SetNamespace(namespace)
			if err := c.Patch(ctx, object.DeepCopy(), client.RawPatch(types.MergePatchType, changedKeys(step))); err != nil {
				return fmt.Errorf("changing a Secret of a copy: %w", err)
			}
		}
		if err := t.changeStatus(ctx, c, namespace, step); err != nil {
			return err
		}
		if err := c.Create(ctx, t.event(namespace)); err != nil {
			return fmt.Errorf("writing an Event about a copy: %w", err)
		}
	}
	return nil
}

// changedKeys returns a merge patch of a Secret with the keys of a step.
func changedKeys(step int) []byte {
	entry := base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(step) + ":keys of the benchmark"))
	return fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"%d"}},"data":{%q:%q}}`,
		todov1.AnnotationKeys, step, keyring.EntrySecrets, entry)
}

// changeStatus applies the status of a copy with another phase.
func (t template) changeStatus(ctx context.Context, c client.Client, namespace string, step int) error {
	status := (&unstructured.Unstructured{Object: t.Status}).DeepCopy().Object
	phase := []todov1.RotationPhase{todov1.RotationPublishing, todov1.RotationDraining}[step-1]
	if err := unstructured.SetNestedField(status, string(phase), "rotation", "phase"); err != nil {
		return fmt.Errorf("changing the status of a copy: %w", err)
	}
	return t.applyStatus(ctx, c, namespace, status)
}

// event returns an Event about a copy.
func (t template) event(namespace string) *eventsv1.Event {
	app := t.Objects[0]
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: app.GetName() + "-"},
		EventTime:  metav1.NowMicro(), Type: corev1.EventTypeNormal, Reason: "KeyPublish", Action: "Rotate",
		ReportingController: "floor", ReportingInstance: "floor", Note: "Publish key version 2",
		Regarding: corev1.ObjectReference{
			APIVersion: app.GetAPIVersion(), Kind: app.GetKind(), Namespace: namespace, Name: app.GetName(),
		},
	}
}
