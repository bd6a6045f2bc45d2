package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// fieldsAt returns a set of fields of the spec.
func fieldsAt(names ...string) *fieldpath.Set {
	set := fieldpath.NewSet()
	for _, name := range names {
		set.Insert(fieldpath.MakePathOrDie("spec", name))
	}
	return set
}

// service returns a Service with entries of managed fields.
func service(t *testing.T, entries ...metav1.ManagedFieldsEntry) *corev1.Service {
	t.Helper()
	owner := metav1.OwnerReference{Kind: "TodoApp", UID: "1", Controller: new(true)}
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Name: "todo", OwnerReferences: []metav1.OwnerReference{owner}, ManagedFields: entries}}
}

func entry(t *testing.T, manager string, by metav1.ManagedFieldsOperationType, fields *fieldpath.Set) metav1.ManagedFieldsEntry {
	t.Helper()
	encoded, err := fields.ToJSON()
	if err != nil {
		t.Fatal(err)
	}
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: by, FieldsV1: metav1.NewFieldsV1(string(encoded))}
}

// TestOwnedFieldsOfACreatedObject: the default values in the record of a creation are not the operator's, a field that another
// manager took over is missing, and a record of other desired fields does not count.
func TestOwnedFieldsOfACreatedObject(t *testing.T) {
	desired := fieldsAt("ports", "selector")
	name, err := creator(desired, service(t))
	if err != nil {
		t.Fatal(err)
	}
	update, apply := metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply
	for what, c := range map[string]struct {
		managed []metav1.ManagedFieldsEntry
		want    *fieldpath.Set
	}{
		"created": {[]metav1.ManagedFieldsEntry{entry(t, name, update, fieldsAt("ports", "selector", "type"))}, desired},
		"a field is another manager's": {[]metav1.ManagedFieldsEntry{entry(t, name, update, fieldsAt("ports", "type")),
			entry(t, "them", update, fieldsAt("selector"))}, fieldsAt("ports")},
		"created with other fields": {[]metav1.ManagedFieldsEntry{
			entry(t, creatorPrefix+"00000000", update, fieldsAt("ports", "selector", "type"))}, nil},
		"applied since": {[]metav1.ManagedFieldsEntry{entry(t, name, update, fieldsAt("ports", "type")),
			entry(t, FieldOwner, apply, fieldsAt("ports", "selector"))}, desired},
		"only the status":    {[]metav1.ManagedFieldsEntry{{Manager: FieldOwner, Operation: apply, Subresource: "status"}}, nil},
		"of another manager": {[]metav1.ManagedFieldsEntry{entry(t, "them", apply, desired)}, nil},
	} {
		got, err := ownedFields(service(t, c.managed...), desired)
		if err != nil {
			t.Fatal(err)
		}
		if (got == nil) != (c.want == nil) || got != nil && !got.Equals(c.want) {
			t.Errorf("%s: %s, expected %s", what, got, c.want)
		}
	}
}

// TestOwnedFieldsOfACreatedSecret: a Secret has no default values, so all fields in the record of its creation are the operator's,
// and a field that is no longer desired is found without the digest.
func TestOwnedFieldsOfACreatedSecret(t *testing.T) {
	secret := &corev1.Secret{}
	secret.SetManagedFields([]metav1.ManagedFieldsEntry{
		{Manager: "them", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:theirs":{}}}`)},
		{Manager: creatorPrefix + "00000000", Operation: metav1.ManagedFieldsOperationUpdate,
			FieldsV1: metav1.NewFieldsV1(`{"f:data":{".":{},"f:BETTER_AUTH_SECRET":{},"f:BETTER_AUTH_LEGACY_SECRET":{}},"f:type":{}}`)},
	})
	want := fieldpath.NewSet(fieldpath.MakePathOrDie("data", "BETTER_AUTH_SECRET"), fieldpath.MakePathOrDie("type"))
	got, err := ownedFields(secret, want)
	if err != nil {
		t.Fatal(err)
	}
	left := fieldpath.NewSet(fieldpath.MakePathOrDie("data", "BETTER_AUTH_LEGACY_SECRET"))
	if got == nil || !got.Equals(want.Union(left)) {
		t.Errorf("it is %s, expected %s and %s", got, want, left)
	}
}

// TestARecordOfACreationBecomesThatOfAnApply unless there is one already.
func TestARecordOfACreationBecomesThatOfAnApply(t *testing.T) {
	update, apply := metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply
	made := entry(t, creatorPrefix+"00000000", update, fieldsAt("ports", "type"))
	theirs := entry(t, "them", update, fieldsAt("selector"))
	got := asApplied([]metav1.ManagedFieldsEntry{made, theirs})
	if len(got) != 2 || got[0].Manager != FieldOwner || got[0].Operation != apply {
		t.Errorf("it is %v", got)
	}
	since := entry(t, FieldOwner, apply, fieldsAt("ports"))
	if got := asApplied([]metav1.ManagedFieldsEntry{made, since, theirs}); len(got) != 2 || got[0].FieldsV1 != since.FieldsV1 {
		t.Errorf("it is %v beside an apply", got)
	}
}
