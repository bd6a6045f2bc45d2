package desired

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// LabelManagedBy says who makes an object.
const LabelManagedBy = "app.kubernetes.io/managed-by"

// Managed reports whether the operator made an object.
func Managed(object metav1.Object) bool { return object.GetLabels()[LabelManagedBy] == ManagedBy }

// MadeFor reports whether the operator made a Secret for the app, also one that an app of its name let go of.
func MadeFor(secret *corev1.Secret, app *todov1.TodoApp) bool {
	return secret != nil && Managed(secret) && secret.Labels[todov1.LabelApp] == app.Name
}

// Owner is the name of the TodoApp that a Secret belongs to; empty for a Secret of anybody else, or none. A Secret
// belongs to a deleted app too, until it goes the way of the app: nobody is to take up that one's keys.
func Owner(secret *corev1.Secret) string {
	if secret == nil || !Managed(secret) {
		return ""
	}
	ref := metav1.GetControllerOf(secret)
	if ref == nil || ref.Kind != "TodoApp" || !strings.HasPrefix(ref.APIVersion, todov1.GroupVersion.Group+"/") ||
		secret.Labels[todov1.LabelApp] != ref.Name {
		return ""
	}
	return ref.Name
}
