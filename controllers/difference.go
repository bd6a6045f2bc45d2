package controllers

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// identity are the fields of every object that are never owned by who applies it.
var identity = fieldpath.NewSet(
	fieldpath.MakePathOrDie("apiVersion"),
	fieldpath.MakePathOrDie("kind"),
	fieldpath.MakePathOrDie("metadata"),
	fieldpath.MakePathOrDie("metadata", "name"),
	fieldpath.MakePathOrDie("metadata", "namespace"),
	fieldpath.MakePathOrDie("metadata", "resourceVersion"),
)

// driftDetector foretells whether applying an object would change anything, so that what is as desired costs no request.
type driftDetector struct {
	converter managedfields.TypeConverter
}

// upToDate reports whether the operator owns exactly the fields of want in live, with the same values. What others own
// is theirs; what they took over by changing it is no longer owned, and therefore found.
func (d driftDetector) upToDate(live client.Object, want *unstructured.Unstructured) (bool, error) {
	owned, err := ownedFields(live)
	if err != nil || owned == nil {
		return false, err
	}
	wanted, err := d.converter.ObjectToTyped(want)
	if err != nil {
		return false, fmt.Errorf("reading the desired %s: %w", want.GetKind(), err)
	}
	fields, err := wanted.ToFieldSet()
	if err != nil {
		return false, fmt.Errorf("listing the fields of the desired %s: %w", want.GetKind(), err)
	}
	if !fields.Difference(identity).Equals(owned) {
		return false, nil
	}
	actual, err := d.converter.ObjectToTyped(live)
	if err != nil {
		return false, fmt.Errorf("reading the live %s: %w", want.GetKind(), err)
	}
	return within(wanted.ExtractItems(owned).AsValue().Unstructured(), actual.ExtractItems(owned).AsValue().Unstructured()), nil
}

// staleEntries are entries of a Secret that no longer come from the ring and that somebody else owns as well, who restored
// the Secret from a backup for example: no apply takes them out.
func staleEntries(live client.Object, want *unstructured.Unstructured) []string {
	secret, ok := live.(*corev1.Secret)
	if !ok {
		return nil
	}
	data, _, _ := unstructured.NestedMap(want.Object, "data")
	return slices.DeleteFunc(keyring.Entries(), func(entry string) bool {
		return secret.Data[entry] == nil || data[entry] != nil
	})
}

// ownedFields are those that the operator applied and that nobody has changed since; nil when it applied none.
func ownedFields(live client.Object) (*fieldpath.Set, error) {
	for _, entry := range live.GetManagedFields() {
		if entry.Manager != FieldOwner || entry.Operation != metav1.ManagedFieldsOperationApply || entry.Subresource != "" {
			continue
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
			return nil, fmt.Errorf("reading the owned fields of %s: %w", live.GetName(), err)
		}
		return set, nil
	}
	return nil, nil
}

// within reports whether everything in want is in have. Have may hold more, inside what is owned as a whole:
// defaults that the API server filled in.
func within(want, have any) bool {
	switch want := want.(type) {
	case map[string]any:
		have, ok := have.(map[string]any)
		if !ok {
			return len(want) == 0
		}
		for field, value := range want {
			if !within(value, have[field]) {
				return false
			}
		}
		return true
	case []any:
		have, ok := have.([]any)
		if !ok || len(want) != len(have) {
			return len(want) == 0 && !ok
		}
		for i, value := range want {
			if !within(value, have[i]) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(want, have)
	}
}

// unstructuredOf is an apply configuration as the API server will see it.
func unstructuredOf(config runtime.ApplyConfiguration) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(config)
	if err != nil {
		return nil, fmt.Errorf("encoding a desired object: %w", err)
	}
	return &unstructured.Unstructured{Object: content}, nil
}
