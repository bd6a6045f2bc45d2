package controllers

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// identity holds the fields that no field manager owns by applying an object.
var identity = fieldpath.NewSet(
	fieldpath.MakePathOrDie("apiVersion"),
	fieldpath.MakePathOrDie("kind"),
	fieldpath.MakePathOrDie("metadata"),
	fieldpath.MakePathOrDie("metadata", "name"),
	fieldpath.MakePathOrDie("metadata", "namespace"),
	fieldpath.MakePathOrDie("metadata", "resourceVersion"),
)

// driftDetector predicts whether applying an object would change it, so that an object without drift costs no request.
type driftDetector struct {
	converter managedfields.TypeConverter
}

func newDriftDetector(scheme *runtime.Scheme) driftDetector {
	return driftDetector{converter: applyconfigurations.NewTypeConverter(scheme)}
}

// upToDate reports whether the operator owns exactly the fields of want in live, with the same values. It ignores fields of other
// field managers. A field that another manager took over by changing it is no longer owned, so it counts as drift.
func (d driftDetector) upToDate(live client.Object, want *unstructured.Unstructured) (bool, error) {
	if route, ok := live.(*unstructured.Unstructured); ok {
		return upToDateRoute(route, want)
	}
	wanted, fields, err := d.fields(want)
	if err != nil {
		return false, err
	}
	owned, err := ownedFields(live, fields)
	if err != nil || owned == nil || !fields.Equals(owned) {
		return false, err
	}
	if same, err := contains(live, want); same || err != nil {
		return same, err
	}
	actual, err := d.converter.ObjectToTyped(live)
	if err != nil {
		return false, fmt.Errorf("reading the live %s: %w", want.GetKind(), err)
	}
	return within(wanted.ExtractItems(owned).AsValue().Unstructured(), actual.ExtractItems(owned).AsValue().Unstructured()), nil
}

// contains reports whether all that is desired is in a live object, in the same order. It does not know the schema of the kind,
// which would not find a difference then either.
func contains(live client.Object, want *unstructured.Unstructured) (bool, error) {
	present, err := runtime.DefaultUnstructuredConverter.ToUnstructured(live)
	if err != nil {
		return false, fmt.Errorf("encoding the live %s: %w", want.GetKind(), err)
	}
	present["apiVersion"], present["kind"] = want.GetAPIVersion(), want.GetKind() // a typed object may lack them
	return within(want.Object, present), nil
}

// fields returns a desired object as typed, and the fields that the operator owns after applying it.
func (d driftDetector) fields(want *unstructured.Unstructured) (*typed.TypedValue, *fieldpath.Set, error) {
	wanted, err := d.converter.ObjectToTyped(want)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the desired %s: %w", want.GetKind(), err)
	}
	fields, err := wanted.ToFieldSet()
	if err != nil {
		return nil, nil, fmt.Errorf("listing the fields of the desired %s: %w", want.GetKind(), err)
	}
	return wanted, fields.Difference(identity), nil
}

// drops reports whether applying an object would remove fields from the live one.
func (d driftDetector) drops(live client.Object, want *unstructured.Unstructured) (bool, error) {
	if _, route := live.(*unstructured.Unstructured); route {
		return false, nil // it is created by an apply, so an apply removes its fields
	}
	_, fields, err := d.fields(want)
	if err != nil {
		return false, err
	}
	owned, err := ownedFields(live, fields)
	if err != nil || owned == nil {
		return slices.ContainsFunc(live.GetManagedFields(), created), err
	}
	return !owned.Difference(fields).Empty(), nil
}

// resetOf returns a merge patch that removes from a live object what an apply leaves in it: entries of a Secret that no longer
// come from the ring and that another field manager owns too, who restored the Secret from a backup for example, and references
// to a deleted app of the same name. It is nil if there is nothing to remove.
func resetOf(live client.Object, want *unstructured.Unstructured, app *todov1.TodoApp) map[string]any {
	reset := map[string]any{}
	if entries := staleEntries(live, want); len(entries) > 0 {
		data := map[string]any{}
		for _, entry := range entries {
			data[entry] = nil
		}
		reset["data"] = data
	}
	if owners, stale := desired.OtherOwners(live, app); stale {
		reset["metadata"] = map[string]any{"ownerReferences": owners}
	}
	if len(reset) == 0 {
		return nil
	}
	return reset
}

// staleEntries returns the operator's entries in a live Secret that the desired one does not have.
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

// within reports whether have contains all of want. Have may contain more inside atomic fields: defaults of the API server.
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

// unstructuredOf returns an apply configuration as the API server receives it.
func unstructuredOf(config runtime.ApplyConfiguration) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(config)
	if err != nil {
		return nil, fmt.Errorf("encoding a desired object: %w", err)
	}
	return &unstructured.Unstructured{Object: content}, nil
}
