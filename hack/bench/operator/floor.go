package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// The floor is the least that an operator could do: a client that creates copies of the same objects and of the TodoApp, and
// applies one status, without any decision. It runs as a process of its own, so that its CPU is measured like a manager's.

// sample is the name of the app whose objects are copied. Names that contain it are replaced.
const sample = "sample"

// template holds the objects of one app. The first object is the TodoApp.
type template struct {
	Objects []unstructured.Unstructured
	Status  map[string]any
}

// childKinds are the kinds of objects that the operator makes.
var childKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Secret"}, {Version: "v1", Kind: "Service"}, {Version: "v1", Kind: "PersistentVolumeClaim"},
	{Group: "apps", Version: "v1", Kind: "Deployment"}, {Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
}

// capture reads the objects of an app that the operator made, and removes the fields that the API server sets.
func (e *environment) capture(ctx context.Context, app client.ObjectKey) (template, error) {
	var t template
	root := &unstructured.Unstructured{}
	root.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
	if err := e.client.Get(ctx, app, root); err != nil {
		return t, fmt.Errorf("reading the sample: %w", err)
	}
	t.Status, _, _ = unstructured.NestedMap(root.Object, "status")
	t.Objects = append(t.Objects, plain(*root))
	for _, kind := range childKinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		of := client.MatchingLabels{todov1.LabelApp: app.Name}
		if err := e.client.List(ctx, list, client.InNamespace(app.Namespace), of); err != nil {
			return t, fmt.Errorf("reading the objects of the sample: %w", err)
		}
		for _, object := range list.Items {
			t.Objects = append(t.Objects, plain(object))
		}
	}
	if len(t.Objects) < 7 {
		return t, fmt.Errorf("the sample has %d objects, expected 7 or more", len(t.Objects))
	}
	return t, nil
}

// plain returns an object as a client would send it.
func plain(object unstructured.Unstructured) unstructured.Unstructured {
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "namespace"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(object.Object, "status")
	if object.GetKind() == "Service" {
		unstructured.RemoveNestedField(object.Object, "spec", "clusterIP")
		unstructured.RemoveNestedField(object.Object, "spec", "clusterIPs")
	}
	return object
}

// copy returns the objects under another name.
func (t template) copy(name string) (template, error) {
	content, err := json.Marshal(t)
	if err != nil {
		return t, fmt.Errorf("copying the sample: %w", err)
	}
	var copied template
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(content), sample, name)), &copied); err != nil {
		return t, fmt.Errorf("copying the sample: %w", err)
	}
	return copied, nil
}

// create sends the objects of one copy and its status.
func (t template) create(ctx context.Context, c client.Client, namespace string) error {
	var owner *unstructured.Unstructured
	for i := range t.Objects {
		object := &t.Objects[i]
		object.SetNamespace(namespace)
		owners := object.GetOwnerReferences()
		for j := range owners {
			owners[j].UID = owner.GetUID()
		}
		if len(owners) > 0 {
			object.SetOwnerReferences(owners)
		}
		if err := c.Create(ctx, object); err != nil {
			return fmt.Errorf("creating a copy of the %s: %w", object.GetKind(), err)
		}
		if owner == nil {
			owner = object
		}
	}
	return t.applyStatus(ctx, c, namespace, t.Status)
}

// applyStatus applies a status to the TodoApp of one copy.
func (t template) applyStatus(ctx context.Context, c client.Client, namespace string, status map[string]any) error {
	app := t.Objects[0]
	object := &unstructured.Unstructured{Object: map[string]any{"status": status}}
	object.SetGroupVersionKind(app.GroupVersionKind())
	object.SetName(app.GetName())
	object.SetNamespace(namespace)
	config := client.ApplyConfigurationFromUnstructured(object)
	if err := c.Status().Apply(ctx, config, client.FieldOwner("floor"), client.ForceOwnership); err != nil {
		return fmt.Errorf("applying a status: %w", err)
	}
	return nil
}
