package desired

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// ManagedBy is the value of the label app.kubernetes.io/managed-by on every object that the operator makes.
const ManagedBy = "todoapp-operator"

// Images holds the images that the operator runs in addition to those in the spec of an app, and its settings for the workloads
// of all apps.
type Images struct {
	// TaskAPI is the operator's own image, which contains the embedded task API.
	TaskAPI string
	// PlatformUsers leaves the users of the operator's own image to the platform, which refuses fixed ones: OpenShift.
	PlatformUsers bool
	// PullSecrets names Secrets in the namespace of each app, by which nodes pull the task API. Those of an app are added.
	PullSecrets []string
	// RevisionHistory is the number of old ReplicaSets that Kubernetes keeps of each Deployment. If nil, its default.
	RevisionHistory *int32
}

// Keys holds the projections of the ring for the two components of an app.
type Keys struct {
	Frontend, Backend keyring.Projection
}

// Object is a desired object in the form of an apply: it has the fields that the operator sets.
type Object interface {
	runtime.ApplyConfiguration
	GetKind() *string
	GetName() *string
}

// Objects returns the objects of an app except its keyring, in the order of applying: Secrets, volumes and policies come before
// the pods that depend on them. Secrets are sorted by name, so that if two apps reference the same two Secrets in swapped roles,
// one of them gets both.
func Objects(app *todov1.TodoApp, keys Keys, images Images, network Network) []Object {
	objects := []Object{backendSecret(app, keys.Backend), frontendSecret(app, keys.Frontend)}
	if BackendSecret(app) > FrontendSecret(app) {
		slices.Reverse(objects)
	}
	objects = append(objects, backend(app, keys.Backend.Versions, images, network)...)
	if app.Spec.Frontend.Image != "" {
		objects = append(objects, frontend(app, keys.Frontend.Versions, network)...)
	}
	for _, object := range objects {
		if d, ok := object.(*appsv1ac.DeploymentApplyConfiguration); ok {
			d.Spec.RevisionHistoryLimit = images.RevisionHistory
		}
	}
	if app.Spec.Ingress != nil {
		objects = append(objects, ingress(app))
	}
	if app.Spec.Gateway != nil {
		objects = append(objects, route(app))
	}
	return objects
}

func backend(app *todov1.TodoApp, versions []int64, images Images, network Network) []Object {
	objects := []Object{service(app, backendComponent(app))}
	if network.Policies {
		objects = append(objects, backendPolicy(app, network))
	}
	if UsesSQLite(app) {
		objects = append(objects, dataClaim(app))
	}
	objects = append(objects, backendDeployment(app, versions, images))
	if leastReplicas(app.Spec.Backend.Replicas, app.Spec.Backend.Autoscaling) > 1 {
		objects = append(objects, disruptionBudget(app, backendComponent(app)))
	}
	if spec := app.Spec.Backend.Autoscaling; OwnAutoscaler(spec) {
		objects = append(objects, autoscaler(app, backendComponent(app), spec))
	}
	return objects
}

func frontend(app *todov1.TodoApp, versions []int64, network Network) []Object {
	objects := []Object{service(app, frontendComponent(app))}
	if network.Policies {
		objects = append(objects, frontendPolicy(app, network))
	}
	objects = append(objects, frontendDeployment(app, versions))
	if leastReplicas(app.Spec.Frontend.Replicas, app.Spec.Frontend.Autoscaling) > 1 {
		objects = append(objects, disruptionBudget(app, frontendComponent(app)))
	}
	if spec := app.Spec.Frontend.Autoscaling; OwnAutoscaler(spec) {
		objects = append(objects, autoscaler(app, frontendComponent(app), spec))
	}
	return objects
}

// component holds the label, the name and the port of the objects of one component.
type component struct {
	label string
	name  string
	port  int32
}

func frontendComponent(app *todov1.TodoApp) component {
	return component{todov1.ComponentFrontend, Frontend(app), app.Spec.Frontend.Port}
}

func backendComponent(app *todov1.TodoApp) component {
	return component{todov1.ComponentBackend, Backend(app), app.Spec.Backend.Port}
}

// Selector returns the labels of the pods that the operator runs for a component. Pods of other owners lack managed-by.
func Selector(app *todov1.TodoApp, component string) map[string]string {
	return map[string]string{
		LabelManagedBy:        ManagedBy,
		todov1.LabelApp:       app.Name,
		todov1.LabelComponent: component,
	}
}

// Labels returns the labels of every object of a component. None but that of the shard is copied from the app, and there is no
// app.kubernetes.io/instance: GitOps tools would prune objects that carry their tracking labels.
func Labels(app *todov1.TodoApp, component string) map[string]string {
	labels := Selector(app, component)
	maps.Copy(labels, map[string]string{
		"app.kubernetes.io/name":      "todoapp",
		"app.kubernetes.io/component": component,
	})
	if shard := app.Labels[todov1.LabelShard]; shard != "" {
		labels[todov1.LabelShard] = shard
	}
	return labels
}

// OwnerReference returns a controller reference, by which an object is deleted with its app.
func OwnerReference(app *todov1.TodoApp) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(todov1.GroupVersion.String()).WithKind("TodoApp").
		WithName(app.Name).WithUID(app.UID).
		WithController(true).WithBlockOwnerDeletion(true)
}

// UsesSQLite reports whether the app's tasks are in a file on a volume, which is the default of the embedded API.
func UsesSQLite(app *todov1.TodoApp) bool {
	storage := app.Spec.Backend.Storage
	return storage.SQLite != nil || storage.Postgres == nil && Embedded(app)
}

// Embedded reports whether the backend is the operator's own task API.
func Embedded(app *todov1.TodoApp) bool { return app.Spec.Backend.Image == "" }
