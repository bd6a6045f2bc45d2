package controllers

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// appliedDeployment returns a Deployment of an app, with the managed fields that the API server would give it.
func appliedDeployment(app string) *appsv1.Deployment {
	uid := types.UID("uid-of-" + app)
	owner := metav1.OwnerReference{APIVersion: "todoapp.dev/v1alpha1", Kind: "TodoApp", Name: app, UID: uid, Controller: new(true)}
	fields := metav1.NewFieldsV1(fmt.Sprintf(
		`{"f:metadata":{"f:ownerReferences":{"k:{\"uid\":\"%s\"}":{}}},"f:spec":{"f:replicas":{}}}`, uid))
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
		Name: app + "-backend", Labels: map[string]string{"todoapp.dev/app": app}, OwnerReferences: []metav1.OwnerReference{owner},
		ManagedFields: []metav1.ManagedFieldsEntry{{
			Manager: FieldOwner, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1", FieldsV1: fields}},
	}}
}

// TestCachedObjectsShareManagedFields: those of two apps are one copy in memory, and each is read with its own owner.
func TestCachedObjectsShareManagedFields(t *testing.T) {
	one, other := appliedDeployment("one"), appliedDeployment("other")
	shareMetadata(one)
	shareMetadata(other)
	if one.ManagedFields[0].FieldsV1 != other.ManagedFields[0].FieldsV1 {
		t.Error("two apps have a copy each")
	}
	for _, d := range []*appsv1.Deployment{one, other} {
		live := appliedDeployment(strings.TrimSuffix(d.Name, "-backend"))
		cached, err := appliedFields(d)
		if err != nil {
			t.Fatal(err)
		}
		want, err := appliedFields(live)
		if err != nil {
			t.Fatal(err)
		}
		if !cached.Equals(want) {
			t.Errorf("%s owns %s in the cache and %s on the API server", d.Name, cached, want)
		}
		if d.Labels["todoapp.dev/app"] != live.Labels["todoapp.dev/app"] || d.OwnerReferences[0].UID != live.OwnerReferences[0].UID {
			t.Errorf("the metadata of %s is %+v", d.Name, d.ObjectMeta)
		}
	}
}

// TestSharedFieldsAreBounded: any user can write objects with fields of any number in the name of the operator's field manager.
func TestSharedFieldsAreBounded(t *testing.T) {
	for i := range 3 * mostSharedFields {
		sharedFields([]byte(fmt.Sprint(i)))
	}
	large := []byte(strings.Repeat("x", largestSharedFields+1))
	if first, second := sharedFields(large), sharedFields(large); first == second {
		t.Error("large fields are shared, so they are kept")
	}
	if n := len(fieldSets.known); n > mostSharedFields {
		t.Errorf("%d fields are kept", n)
	}
}
