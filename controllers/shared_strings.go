package controllers

import (
	"bytes"
	"sync"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ownerInFields stands in cached managed fields for the UID of the controller, so that they are the same for all apps.
const ownerInFields = "todoapp.dev/owner"

// shareMetadata keeps one copy of the metadata that many cached objects have in common: names of labels and owners, and managed
// fields. These are a quarter of the memory of the cache.
func shareMetadata(object client.Object) {
	object.SetNamespace(shared(object.GetNamespace()))
	object.SetLabels(sharedMap(object.GetLabels()))
	object.SetAnnotations(sharedMap(object.GetAnnotations()))
	owners := object.GetOwnerReferences()
	for i := range owners {
		o := &owners[i]
		o.APIVersion, o.Kind, o.Name, o.UID = shared(o.APIVersion), shared(o.Kind), shared(o.Name), types.UID(shared(string(o.UID)))
	}
	object.SetOwnerReferences(owners)
	managed := object.GetManagedFields()
	for i := range managed {
		m := &managed[i]
		m.Manager, m.APIVersion, m.FieldsType = shared(m.Manager), shared(m.APIVersion), shared(m.FieldsType)
		if m.FieldsV1 != nil {
			raw := m.FieldsV1.GetRawBytes()
			if owner := metav1.GetControllerOf(object); owner != nil {
				raw = bytes.ReplaceAll(raw, []byte(owner.UID), []byte(ownerInFields))
			}
			m.FieldsV1 = sharedFields(raw)
		}
	}
	object.SetManagedFields(managed)
}

// fieldsOf returns the managed fields of an entry of a cached or a live object, as JSON.
func fieldsOf(object client.Object, entry metav1.ManagedFieldsEntry) []byte {
	raw := entry.FieldsV1.GetRawBytes()
	if owner := metav1.GetControllerOf(object); owner != nil {
		return bytes.ReplaceAll(raw, []byte(ownerInFields), []byte(owner.UID))
	}
	return raw
}

const (
	// mostSharedFields bounds how many managed fields are shared, and largestSharedFields how large each is, because any user can
	// write objects in the name of the operator's field manager.
	mostSharedFields, largestSharedFields = 1000, 8 << 10
)

// fieldSets holds the managed fields that cached objects share.
var fieldSets = struct {
	sync.Mutex
	known map[string]*metav1.FieldsV1
}{known: map[string]*metav1.FieldsV1{}}

// sharedFields returns the same managed fields for equal JSON. They must not be changed.
func sharedFields(raw []byte) *metav1.FieldsV1 {
	if len(raw) > largestSharedFields {
		return metav1.NewFieldsV1(string(raw))
	}
	fieldSets.Lock()
	defer fieldSets.Unlock()
	if known, ok := fieldSets.known[string(raw)]; ok {
		return known
	}
	if len(fieldSets.known) >= mostSharedFields {
		clear(fieldSets.known)
	}
	fields := metav1.NewFieldsV1(string(raw))
	fieldSets.known[string(raw)] = fields
	return fields
}

// shared returns the same string for equal strings, for as long as one of them is in use.
func shared(s string) string { return unique.Make(s).Value() }

func sharedMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	all := make(map[string]string, len(m))
	for key, value := range m {
		all[shared(key)] = shared(value)
	}
	return all
}
