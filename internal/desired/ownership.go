package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// LabelManagedBy says who makes an object.
const LabelManagedBy = "app.kubernetes.io/managed-by"

// Origin says why the operator may write an object for an app, or that it may not.
type Origin string

const (
	// Made objects were created by the operator for the app, or belonged to it before objects were handed over by a mark.
	Made Origin = "Made"
	// HandedOver objects carry the annotation todoapp.dev/adopt with the app's name.
	HandedOver Origin = "HandedOver"
	// Foreign objects are all others: the operator never applies to them, owns, labels, locks or deletes them.
	Foreign Origin = "Foreign"
)

// Ownership tells whether the operator may write an object for an app.
type Ownership struct {
	Origin Origin
	// Reason says of a foreign object why it is foreign. It continues a sentence that names the object.
	Reason string
	// Advice says of a foreign object what its owner can type or change. It is a clause of its own.
	Advice string
}

// Foreign reports whether the operator must leave the object alone.
func (o Ownership) Foreign() bool { return o.Origin == Foreign }

// String returns the reason and the advice for a foreign object, and the origin of any other.
func (o Ownership) String() string {
	if !o.Foreign() {
		return string(o.Origin)
	}
	return o.Reason + ": " + o.Advice
}

// OwnershipOf decides whether the operator may write an existing object for an app. It is the only such rule, for every kind.
func OwnershipOf(object metav1.Object, app *todov1.TodoApp) Ownership {
	owner := controllerOf(object, app)
	switch {
	case owner == ownedByApp, owner != ownedByOther && labelledFor(object, app):
		return Ownership{Origin: Made}
	case owner == ownedByOther:
		ref := metav1.GetControllerOf(object)
		return foreign(fmt.Sprintf("belongs to %s %s", ref.Kind, ref.Name), "choose another name")
	case Managed(object) && object.GetLabels()[todov1.LabelApp] != app.Name && object.GetLabels()[todov1.LabelApp] != "":
		return foreign("belongs to TodoApp "+object.GetLabels()[todov1.LabelApp], "choose another name")
	}
	return handedOver(object, app)
}

// handedOver decides about an object that nothing controls and that the operator did not make.
func handedOver(object metav1.Object, app *todov1.TodoApp) Ownership {
	resource := adoptable(object)
	if resource == "" {
		return foreign("was not made for this TodoApp", "delete it, or rename the TodoApp")
	}
	if secret, ok := object.(*corev1.Secret); ok {
		if entries := OtherEntries(secret, app); len(entries) > 0 {
			return foreign("also holds "+listed(entries), "copy the key into a Secret of its own")
		}
	}
	mark := object.GetAnnotations()[todov1.AnnotationAdopt]
	if mark == app.Name {
		return Ownership{Origin: HandedOver}
	}
	command := fmt.Sprintf("kubectl annotate %s %s %s=%s -n %s",
		resource, object.GetName(), todov1.AnnotationAdopt, app.Name, object.GetNamespace())
	if mark != "" {
		return foreign("is handed over to TodoApp "+mark, fmt.Sprintf("to take it, run \"%s --overwrite\"", command))
	}
	return foreign("was not made for this TodoApp", fmt.Sprintf("to hand it over, run %q", command))
}

func foreign(reason, advice string) Ownership { return Ownership{Foreign, reason, advice} }

// adoptable returns the resource name of the kinds that can be handed over, and nothing for others. Taking over a Deployment
// would restart its pods, and an Ingress, a policy or a budget holds nothing worth keeping.
func adoptable(object metav1.Object) string {
	switch object.(type) {
	case *corev1.Secret:
		return "secret"
	case *corev1.PersistentVolumeClaim:
		return "pvc"
	case *corev1.Service:
		return "service"
	default:
		return ""
	}
}

type controller int

const (
	ownedByNone controller = iota
	ownedByApp
	// ownedByNamesake is a controller reference to a deleted app of the same name, as a restored backup carries it.
	ownedByNamesake
	ownedByOther
)

// controllerOf tells whether an object's controller is the app, an earlier app of its name, something else, or missing.
func controllerOf(object metav1.Object, app *todov1.TodoApp) controller {
	ref := metav1.GetControllerOf(object)
	switch {
	case ref == nil:
		return ownedByNone
	case !isTodoApp(ref) || ref.Name != app.Name:
		return ownedByOther
	case ref.UID == app.UID:
		return ownedByApp
	default:
		return ownedByNamesake
	}
}

// RefersTo reports whether an owner reference is to the app or to an earlier one of its name.
func RefersTo(app *todov1.TodoApp, ref metav1.OwnerReference) bool {
	return isTodoApp(&ref) && ref.Name == app.Name
}

func isTodoApp(ref *metav1.OwnerReference) bool {
	return ref.Kind == "TodoApp" && strings.HasPrefix(ref.APIVersion, todov1.GroupVersion.Group+"/")
}

// labelledFor reports whether an object carries the labels that the operator gives to every object of the app. They outlive
// the owner reference when an object is orphaned, retained or restored.
func labelledFor(object metav1.Object, app *todov1.TodoApp) bool {
	labels := object.GetLabels()
	return Managed(object) && labels[todov1.LabelApp] == app.Name && slices.Contains([]string{
		todov1.ComponentFrontend, todov1.ComponentBackend, todov1.ComponentKeyring, todov1.ComponentIngress,
	}, labels[todov1.LabelComponent])
}

// OtherEntries returns the sorted entries of a Secret that the operator does not write under the Secret's name. A Secret with
// such an entry cannot be handed over, because it would be locked and deleted with the app.
func OtherEntries(secret *corev1.Secret, app *todov1.TodoApp) []string {
	own := keyring.Entries()
	if secret.Name == Keyring(app) {
		own = []string{keyring.StorageKey}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(secret.Data)), func(entry string) bool {
		return slices.Contains(own, entry)
	})
}

// listed joins the first few entries, because a Secret may hold thousands of long ones.
func listed(entries []string) string {
	const most, longest = 3, 40
	var shown []string
	for _, entry := range entries[:min(len(entries), most)] {
		if len(entry) > longest {
			entry = entry[:longest] + "..."
		}
		shown = append(shown, entry)
	}
	if more := len(entries) - most; more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	return strings.Join(shown, ", ")
}

// OtherOwners returns the owner references of an object without those to a deleted app of the same name, and reports whether there
// are any of these. They must be removed first, because an object has one controller and an apply only adds references.
func OtherOwners(object metav1.Object, app *todov1.TodoApp) (kept []metav1.OwnerReference, stale bool) {
	for _, ref := range object.GetOwnerReferences() {
		if RefersTo(app, ref) && ref.UID != app.UID {
			stale = true
			continue
		}
		kept = append(kept, ref)
	}
	return kept, stale
}

// Managed reports whether an object carries the operator's managed-by label.
func Managed(object metav1.Object) bool { return object.GetLabels()[LabelManagedBy] == ManagedBy }

// MadeFor reports whether the operator made a Secret for the app, or for an earlier app of its name.
func MadeFor(secret *corev1.Secret, app *todov1.TodoApp) bool {
	return secret != nil && OwnershipOf(secret, app).Origin == Made
}

// Owner returns the name of the TodoApp that a Secret belongs to. It is empty if the Secret is nil, was not made by the
// operator, or has another controller. A Secret that was orphaned or retained belongs to the app that it is labelled for,
// so that no other app takes up its keys.
func Owner(secret *corev1.Secret) string {
	if secret == nil || !Managed(secret) {
		return ""
	}
	name := secret.Labels[todov1.LabelApp]
	if ref := metav1.GetControllerOf(secret); ref != nil && (!isTodoApp(ref) || ref.Name != name) {
		return ""
	}
	return name
}

// IsKeyring reports whether a Secret holds the keys of a TodoApp: it is labelled as a keyring, or has the name of the keyring of
// the TodoApp that it is labelled for or that owns it. So a keyring stays a keyring without the label of its component.
func IsKeyring(secret *corev1.Secret) bool {
	if secret.Labels[todov1.LabelComponent] == todov1.ComponentKeyring {
		return true
	}
	apps := []string{secret.Labels[todov1.LabelApp]}
	if ref := metav1.GetControllerOf(secret); ref != nil && isTodoApp(ref) {
		apps = append(apps, ref.Name)
	}
	return slices.ContainsFunc(apps, func(app string) bool {
		return app != "" && secret.Name == Keyring(&todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: app}})
	})
}
