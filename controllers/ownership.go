package controllers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// FieldOwner is the field manager of the operator's writes.
const FieldOwner = "todoapp-operator"

// creatorPrefix begins the names of the field managers that create objects. A digest of the desired fields follows.
const creatorPrefix = FieldOwner + "-created-"

// secretCreator is the field manager that creates Secrets. The API server adds no default values to a Secret, so the record of its
// creation tells by itself which fields were desired.
const secretCreator = creatorPrefix + "secret"

// creator returns the field manager that creates an object with the desired fields. The API server records the fields of a created
// object together with default values. The name tells later which of them were desired, so that a field that is no longer desired
// is found. The UID of the owner does not count, so that the objects of all apps have the same creators.
func creator(fields *fieldpath.Set, object client.Object) (string, error) {
	encoded, err := fields.ToJSON()
	if err != nil {
		return "", fmt.Errorf("encoding the fields of %s: %w", object.GetName(), err)
	}
	if owner := metav1.GetControllerOf(object); owner != nil {
		encoded = bytes.ReplaceAll(encoded, []byte(owner.UID), []byte(ownerInFields))
	}
	sum := sha256.Sum256(encoded)
	return creatorPrefix + hex.EncodeToString(sum[:4]), nil
}

// own reports whether an entry of managed fields is the operator's: of a creation, or of any later write but of its status.
func own(entry metav1.ManagedFieldsEntry) bool {
	return entry.Subresource == "" && (entry.Manager == FieldOwner || strings.HasPrefix(entry.Manager, creatorPrefix))
}

// ownUpdate reports whether the operator owns fields otherwise than by applying them: by creating an object, or by an update as
// releases up to 0.2.0 did. Fields with two owners outlive an apply that drops them.
func ownUpdate(entry metav1.ManagedFieldsEntry) bool {
	return own(entry) && entry.Operation == metav1.ManagedFieldsOperationUpdate
}

// created reports whether an entry is of the creation of an object.
func created(entry metav1.ManagedFieldsEntry) bool {
	return ownUpdate(entry) && entry.Manager != FieldOwner
}

// applied reports whether an entry is of the operator's applies.
func applied(entry metav1.ManagedFieldsEntry) bool {
	return own(entry) && entry.Operation == metav1.ManagedFieldsOperationApply
}

// ownedFields returns the fields of a live object that the operator applied, or created as desired, and that no other manager has
// changed since; nil if there are none. A creation with other desired fields does not count, except of a Secret, to which the API
// server adds no default values.
func ownedFields(live client.Object, fields *fieldpath.Set) (*fieldpath.Set, error) {
	set, err := appliedFields(live)
	if err != nil || set != nil {
		return set, err
	}
	name, err := creator(fields, live)
	if err != nil {
		return nil, err
	}
	_, secret := live.(*corev1.Secret)
	set, err = fieldsIn(live, func(entry metav1.ManagedFieldsEntry) bool {
		return created(entry) && (secret || entry.Manager == name)
	})
	switch {
	case err != nil || set == nil:
		return nil, err
	case secret:
		return set.Leaves(), nil
	default:
		return set.Intersection(fields), nil // without default values
	}
}

// appliedFields returns the fields of a live object that the operator applied and that no other manager has changed since; nil if
// there are none.
func appliedFields(live client.Object) (*fieldpath.Set, error) { return fieldsIn(live, applied) }

// fieldsIn returns the fields of the first entry that matches; nil if none does.
func fieldsIn(live client.Object, matches func(metav1.ManagedFieldsEntry) bool) (*fieldpath.Set, error) {
	i := slices.IndexFunc(live.GetManagedFields(), matches)
	if i < 0 {
		return nil, nil
	}
	return fieldSet(live, live.GetManagedFields()[i])
}

// fieldSet decodes the fields of an entry.
func fieldSet(live client.Object, entry metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := &fieldpath.Set{}
	if err := set.FromJSON(bytes.NewReader(fieldsOf(live, entry))); err != nil {
		return nil, fmt.Errorf("reading the owned fields of %s: %w", live.GetName(), err)
	}
	return set, nil
}

// asApplied returns managed fields in which the operator owns every field by applying it. An apply then removes the fields that it
// drops.
func asApplied(managed []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	if i := slices.IndexFunc(managed, created); i >= 0 && !slices.ContainsFunc(managed, applied) {
		managed = slices.Clone(managed)
		managed[i].Manager, managed[i].Operation = FieldOwner, metav1.ManagedFieldsOperationApply
	}
	return slices.DeleteFunc(managed, ownUpdate)
}
