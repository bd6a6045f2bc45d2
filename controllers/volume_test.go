package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

func quantity(size string) *resource.Quantity { return new(resource.MustParse(size)) }

// startsWith returns an error unless the pods of a Deployment start with the given keys.
func (e *environment) startsWith(deployment, versions string) error {
	var d appsv1.Deployment
	if err := e.get(deployment, &d); err != nil {
		return err
	}
	if got := d.Spec.Template.Annotations[todov1.AnnotationKeys]; got != versions {
		return fmt.Errorf("pods of %s start with keys %q, not %q", deployment, got, versions)
	}
	return nil
}

// The API server refuses to grow the claim, for which there is no volume. A key that leaked is still taken from every pod.
func TestAVolumeThatDoesNotGrowHoldsUpNoRevocation(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Frontend.Image, a.Spec.Backend.Image = "web:1", "api:1"
		a.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{Size: quantity("1Gi")}
	})
	eventually(t, func() error { return e.startsWith("todo-frontend", "1") })
	e.merge(app, `{"spec":{"backend":{"storage":{"sqlite":{"size":"2Gi"}}}}}`)
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonApplyFailed)
	})
	e.ask(app, "revokeBefore")
	eventually(t, func() error { return e.startsWith("todo-backend", "2") })
	eventually(t, func() error { return e.startsWith("todo-frontend", "2") })
	e.merge(app, `{"spec":{"frontend":{"image":null}}}`)
	eventually(t, func() error {
		if err := e.get("todo-frontend", &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("reading a Deployment that is no longer wanted: %w", err)
		}
		return nil
	})
	must(t, e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonApplyFailed))
}

func TestAVolumeThatSomebodyHasGrownStaysAsItIs(t *testing.T) {
	e := newEnvironment(t)
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: e.namespace},
		Provisioner: "example.com/none", AllowVolumeExpansion: new(true)}
	must(t, e.client.Create(t.Context(), class))
	p := e.start()
	app := e.app("todo", func(a *todov1.TodoApp) {
		a.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{Size: quantity("1Gi"), StorageClassName: &class.Name}
	})
	var claim corev1.PersistentVolumeClaim
	eventually(t, func() error { // the operator may write the claim once more after creating it
		if err := e.get("todo-data", &claim); err != nil {
			return err
		}
		claim.Status.Phase = corev1.ClaimBound
		return e.client.Status().Update(t.Context(), &claim)
	})
	e.merge(&claim, `{"spec":{"resources":{"requests":{"storage":"5Gi"}}}}`)
	e.merge(app, `{"spec":{"backend":{"port":8001}}}`)
	eventually(t, func() error { return e.observed("todo", 2) })
	e.quiet(p)
	must(t, e.condition("todo", todov1.ConditionKeysInSync, metav1.ConditionTrue, todov1.ReasonInSync))
	must(t, e.get("todo-data", &claim))
	if size := claim.Spec.Resources.Requests.Storage(); size.Cmp(*quantity("5Gi")) != 0 {
		t.Errorf("the claim asks for %s", size)
	}
	e.merge(app, `{"spec":{"backend":{"storage":{"sqlite":{"size":"6Gi"}}}}}`)
	eventually(t, func() error {
		must(t, e.get("todo-data", &claim))
		if size := claim.Spec.Resources.Requests.Storage(); size.Cmp(*quantity("6Gi")) != 0 {
			return fmt.Errorf("the claim asks for %s", size)
		}
		return nil
	})
}

// A claim outlives its TodoApp. If a new TodoApp asks for another class, or finds a claim of another mode, its status says so.
func TestAClaimThatCannotBecomeWhatIsAskedFor(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	for name, change := range map[string]func(*corev1.PersistentVolumeClaim){
		"class": func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = new("slow") },
		"modes": func(c *corev1.PersistentVolumeClaim) {
			c.Spec.StorageClassName = new("fast")
			c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
		},
	} {
		app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}}
		claim := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: desired.Data(app),
				Labels: desired.Labels(app, todov1.ComponentBackend)},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: *quantity("1Gi")}},
			},
		}
		change(claim)
		must(t, e.client.Create(t.Context(), claim))
		e.app(name, func(a *todov1.TodoApp) {
			a.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{Size: quantity("1Gi"), StorageClassName: new("fast")}
		})
	}
	eventually(t, func() error {
		return e.says("class", todov1.ConditionReady, todov1.ReasonVolumeMismatch, `has StorageClass "slow"`)
	})
	eventually(t, func() error {
		return e.says("modes", todov1.ConditionReady, todov1.ReasonVolumeMismatch, "access modes [ReadWriteMany]")
	})
}

// The pods of a full volume are ready, since they read and delete. Only they can tell that they write no more.
func TestAFullVolumeShowsInTheStatus(t *testing.T) {
	e := newEnvironment(t)
	e.start()
	app := e.app("todo")
	e.settled("todo")
	var d appsv1.Deployment
	eventually(t, func() error {
		if err := e.get("todo-backend", &d); err != nil {
			return err
		}
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation,
			Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
		return e.client.Status().Update(t.Context(), &d)
	})
	pod := e.verifier(app, "todo-backend-a")
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionBackendAvailable, metav1.ConditionTrue, todov1.ReasonAvailable)
	})
	pod.mutex.Lock()
	pod.store = "full"
	pod.mutex.Unlock()
	e.touch(app, "later")
	eventually(t, func() error {
		return e.says("todo", todov1.ConditionReady, todov1.ReasonStoreFull, "pod todo-backend-a")
	})
}

// refusing is a client that cannot create objects of a kind.
type refusing struct {
	client.Client
	kind string
	err  error
}

func (r refusing) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	if object.GetObjectKind().GroupVersionKind().Kind == r.kind {
		return r.err
	}
	return r.Client.Create(ctx, object, options...)
}

// A condition's message is bounded: a longer one would make the API server reject the whole status, for ever.
func TestALongRefusalIsCut(t *testing.T) {
	e := newEnvironment(t)
	long := apierrors.NewBadRequest(strings.Repeat("é is refused ", 4000))
	e.start(func(r *controllers.Reconciler) { r.Client = refusing{r.Client, "Service", long} })
	e.app("todo")
	eventually(t, func() error {
		return e.says("todo", todov1.ConditionReady, todov1.ReasonApplyFailed, "é is refused é is refused")
	})
}

// A pod whose volume is not there would only take the place of one that serves; the other component does not need it.
func TestWhatCouldNotBeMadeHoldsUpItsSideAlone(t *testing.T) {
	e := newEnvironment(t)
	e.start(func(r *controllers.Reconciler) { r.Client = refusing{r.Client, "PersistentVolumeClaim", errDisturbed} })
	e.app("todo", func(a *todov1.TodoApp) { a.Spec.Frontend.Image = "web:1" })
	eventually(t, func() error {
		return e.condition("todo", todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonApplyFailed)
	})
	must(t, e.startsWith("todo-frontend", "1"))
	if err := e.get("todo-backend", &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		t.Errorf("reading the backend's Deployment, which has no volume: %v", err)
	}
}
