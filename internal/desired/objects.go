package desired

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// ManagedBy is the value of the label app.kubernetes.io/managed-by on everything the operator makes.
const ManagedBy = "todoapp-operator"

// Images are what the operator runs besides what the app names.
type Images struct {
	// TaskAPI is the operator's own image, which holds the embedded task API.
	TaskAPI string
}

// Keys is what the two sides of an app are given of its ring.
type Keys struct {
	Frontend, Backend keyring.Projection
}

// Objects lists everything that an app stands for besides its keyring, in the order in which it is to be applied:
// what pods mount comes before the pods, and so does what keeps others from them. Secrets come by their names: of two apps
// that name the same ones crosswise, one is first with both.
func Objects(app *todov1.TodoApp, keys Keys, images Images, network Network) []runtime.ApplyConfiguration {
	objects := []runtime.ApplyConfiguration{backendSecret(app, keys.Backend), frontendSecret(app, keys.Frontend)}
	if BackendSecret(app) > FrontendSecret(app) {
		slices.Reverse(objects)
	}
	objects = append(objects, backend(app, keys.Backend.Versions, images, network)...)
	if app.Spec.Frontend.Image != "" {
		objects = append(objects, frontend(app, keys.Frontend.Versions, network)...)
	}
	if app.Spec.Ingress != nil {
		objects = append(objects, ingress(app))
	}
	return objects
}

func backend(app *todov1.TodoApp, versions []int64, images Images, network Network) []runtime.ApplyConfiguration {
	objects := []runtime.ApplyConfiguration{service(app, backendSide(app))}
	if network.Policies {
		objects = append(objects, backendPolicy(app, network))
	}
	if UsesSQLite(app) {
		objects = append(objects, dataClaim(app))
	}
	objects = append(objects, backendDeployment(app, versions, images))
	if replicas(app.Spec.Backend.Replicas) > 1 {
		objects = append(objects, disruptionBudget(app, backendSide(app)))
	}
	return objects
}

func frontend(app *todov1.TodoApp, versions []int64, network Network) []runtime.ApplyConfiguration {
	objects := []runtime.ApplyConfiguration{service(app, frontendSide(app))}
	if network.Policies {
		objects = append(objects, frontendPolicy(app, network))
	}
	objects = append(objects, frontendDeployment(app, versions))
	if replicas(app.Spec.Frontend.Replicas) > 1 {
		objects = append(objects, disruptionBudget(app, frontendSide(app)))
	}
	return objects
}

// side is what the frontend's and the backend's objects are named and labelled by.
type side struct {
	component string
	name      string
	port      int32
}

func frontendSide(app *todov1.TodoApp) side {
	return side{todov1.ComponentFrontend, Frontend(app), app.Spec.Frontend.Port}
}

func backendSide(app *todov1.TodoApp) side {
	return side{todov1.ComponentBackend, Backend(app), app.Spec.Backend.Port}
}

// Selector tells the pods that the operator runs for a component from those that someone else labelled for it.
func Selector(app *todov1.TodoApp, component string) map[string]string {
	return map[string]string{
		LabelManagedBy:        ManagedBy,
		todov1.LabelApp:       app.Name,
		todov1.LabelComponent: component,
	}
}

// Labels are those of every object of a component. None is copied from the app, and there is no
// app.kubernetes.io/instance: GitOps tools would prune what carries their tracking labels.
func Labels(app *todov1.TodoApp, component string) map[string]string {
	labels := Selector(app, component)
	maps.Copy(labels, map[string]string{
		"app.kubernetes.io/name":      "todoapp",
		"app.kubernetes.io/component": component,
	})
	return labels
}

// OwnerReference makes an object go with its app.
func OwnerReference(app *todov1.TodoApp) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(todov1.GroupVersion.String()).WithKind("TodoApp").
		WithName(app.Name).WithUID(app.UID).
		WithController(true).WithBlockOwnerDeletion(true)
}

// UsesSQLite reports whether the app's tasks are in a file on a volume: by default those of the embedded API are.
func UsesSQLite(app *todov1.TodoApp) bool {
	storage := app.Spec.Backend.Storage
	return storage.SQLite != nil || storage.Postgres == nil && Embedded(app)
}

// Embedded reports whether the backend is the operator's own task API.
func Embedded(app *todov1.TodoApp) bool { return app.Spec.Backend.Image == "" }

func replicas(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}
