// Package v1alpha1 is the TodoApp API: its comments are the reference documentation.
// +kubebuilder:object:generate=true
// +groupName=todoapp.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of everything in this package.
var GroupVersion = schema.GroupVersion{Group: "todoapp.dev", Version: "v1alpha1"}

// AddToScheme makes the types of this package known to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &TodoApp{}, &TodoAppList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
