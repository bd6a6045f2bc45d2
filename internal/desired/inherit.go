package desired

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// Inherit adds the app's inherited labels and annotations to an object that the operator writes. The object's own take precedence.
func Inherit(app *todov1.TodoApp, object metav1.Object) {
	inherited := app.Spec.InheritedMetadata
	if inherited == nil {
		return
	}
	object.SetLabels(beneath(inherited.Labels, object.GetLabels()))
	object.SetAnnotations(beneath(inherited.Annotations, object.GetAnnotations()))
}

// InheritKeyring does the same for the keyring, which is updated rather than applied: an annotation records the inherited names,
// so that those which are no longer inherited are removed.
func InheritKeyring(app *todov1.TodoApp, keyring metav1.Object) {
	labels, annotations := maps.Clone(keyring.GetLabels()), maps.Clone(keyring.GetAnnotations())
	for name := range strings.SplitSeq(annotations[todov1.AnnotationInherited], ",") {
		if label, ok := strings.CutPrefix(name, "label:"); ok {
			delete(labels, label)
		} else if annotation, ok := strings.CutPrefix(name, "annotation:"); ok {
			delete(annotations, annotation)
		}
	}
	delete(annotations, todov1.AnnotationInherited)
	if inherited := app.Spec.InheritedMetadata; inherited != nil {
		if names := inheritedNames(inherited); len(names) > 0 {
			annotations[todov1.AnnotationInherited] = strings.Join(names, ",")
		}
	}
	keyring.SetLabels(labels)
	keyring.SetAnnotations(annotations)
	Inherit(app, keyring)
}

func inheritedNames(inherited *todov1.InheritedMetadata) []string {
	var names []string
	for _, label := range slices.Sorted(maps.Keys(inherited.Labels)) {
		names = append(names, "label:"+label)
	}
	for _, annotation := range slices.Sorted(maps.Keys(inherited.Annotations)) {
		names = append(names, "annotation:"+annotation)
	}
	return names
}

// beneath returns the inherited values below an object's own; nil if there are none.
func beneath(inherited, own map[string]string) map[string]string {
	if len(inherited) == 0 {
		return own
	}
	all := maps.Clone(inherited)
	maps.Copy(all, own)
	return all
}
