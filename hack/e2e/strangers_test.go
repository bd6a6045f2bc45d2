//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// TestForeignObjects checks that an object which another team made under the name of an app's object blocks the app, and is
// neither changed nor deleted, also after the TodoApp is gone.
func TestForeignObjects(t *testing.T) {
	e := newEnvironment(t)
	cases := map[string]func(app *todov1.TodoApp) client.Object{
		"service": func(app *todov1.TodoApp) client.Object {
			return &corev1.Service{
				ObjectMeta: e.named(desired.Backend(app)), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
			}
		},
		"claim": func(app *todov1.TodoApp) client.Object {
			return &corev1.PersistentVolumeClaim{ObjectMeta: e.named(desired.Data(app)), Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			}}
		},
		"ingress": func(app *todov1.TodoApp) client.Object {
			return &networkingv1.Ingress{ObjectMeta: e.named(app.Name), Spec: networkingv1.IngressSpec{
				DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
					Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}},
			}}
		},
		"secret": func(app *todov1.TodoApp) client.Object {
			return &corev1.Secret{ObjectMeta: e.named(desired.BackendSecret(app)), StringData: map[string]string{"API_KEY": "x"}}
		},
	}
	for kind, foreign := range cases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := &environment{t, e.namespace}
			app := e.newApp("of-"+kind, `{ingress: {host: todo.example.com}, frontend: {image: "`+probeImage+`"}}`)
			object := foreign(app)
			must(e, cluster.Create(e.Context(), object))
			e.staysForeign(app, object)
		})
	}
}

func (e *environment) named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: e.namespace, Name: name}
}

// staysForeign creates and deletes an app under whose name a foreign object exists, and compares the object byte for byte. An
// app that admission refuses has touched nothing either.
func (e *environment) staysForeign(app *todov1.TodoApp, object client.Object) {
	e.Helper()
	version := object.GetResourceVersion()
	switch err := cluster.Create(e.Context(), app); {
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		if !strings.Contains(err.Error(), object.GetName()) {
			e.Errorf("the refusal does not name the object: %v", err)
		}
	case err != nil:
		e.Fatal(err)
	default:
		found := e.awaitCondition(app, todov1.ConditionReady, metav1.ConditionFalse, todov1.ReasonForeignObject)
		if !strings.Contains(found.Message, object.GetName()) {
			e.Errorf("the condition does not name the object: %s", found.Message)
		}
		must(e, cluster.Delete(e.Context(), app))
		e.await("the end of the app", startWithin, func() error { return gone(e.Context(), app) })
	}
	must(e, cluster.Get(e.Context(), client.ObjectKeyFromObject(object), object))
	if now := object.GetResourceVersion(); object.GetDeletionTimestamp() != nil || now != version && !boundSince(object) {
		e.Errorf("%T %s was written: %s, then %s", object, object.GetName(), version, now)
	}
}

// boundSince reports whether only the cluster's own controllers can have written an object: they bind claims and give
// Services their endpoints, which leaves no trace of the operator.
func boundSince(object client.Object) bool {
	for _, entry := range object.GetManagedFields() {
		if strings.Contains(entry.Manager, operator) {
			return false
		}
	}
	return len(object.GetOwnerReferences()) == 0 && object.GetLabels()[todov1.LabelApp] == ""
}

// orphaned is how many apps are deleted without their objects.
const orphaned = 50

// TestOrphanedDeletion deletes apps with --cascade=orphan while the operator is busy with them: every object stays, and an
// app of the same name finds them and the same key again.
func TestOrphanedDeletion(t *testing.T) {
	e := newEnvironment(t)
	const spec = `{backend: {storage: {postgres: {urlSecretRef: {name: absent, key: url}}}}}`
	apps := make([]*todov1.TodoApp, orphaned)
	for i := range apps {
		apps[i] = e.newApp(fmt.Sprintf("orphan-%02d", i), spec)
	}
	must(t, createAll(t.Context(), apps))
	before := map[string]types.UID{}
	for _, app := range apps {
		e.await(app.Name, startWithin, func() error { return e.uids(app, before) })
	}
	for _, app := range apps {
		e.orphan(app)
	}
	for _, app := range apps {
		e.await("the end of "+app.Name, startWithin, func() error { return gone(t.Context(), app.DeepCopy()) })
	}
	e.settle()
	after := map[string]types.UID{}
	for _, app := range apps {
		if err := e.uids(app, after); err != nil {
			t.Errorf("%s: %v", app.Name, err)
		}
		again := e.apply(app.Name, spec)
		e.await(app.Name+" again", startWithin, func() error { return e.owns(again) })
		must(e, e.uids(again, after))
	}
	for name, uid := range before {
		if after[name] != uid {
			t.Errorf("%s was %s and is %s", name, uid, after[name])
		}
	}
}

// orphan changes an app, so that the operator has work to do, and deletes it at the same moment without its objects.
func (e *environment) orphan(app *todov1.TodoApp) {
	e.Helper()
	changed := make(chan error, 1)
	go func() {
		const spec = `{"spec":{"backend":{"replicas":2},"auth":{"tokens":{"maxLifetime":"2h"}}}}`
		patch := client.RawPatch(types.MergePatchType, []byte(spec))
		changed <- client.IgnoreNotFound(cluster.Patch(context.Background(), app.DeepCopy(), patch))
	}()
	must(e, cluster.Delete(e.Context(), app, client.PropagationPolicy(metav1.DeletePropagationOrphan)))
	must(e, <-changed)
}

// uids notes the UIDs of the objects that must survive an app; an object that is missing or about to go is an error.
func (e *environment) uids(app *todov1.TodoApp, uids map[string]types.UID) error {
	for _, object := range []client.Object{
		&corev1.Secret{ObjectMeta: e.named(desired.Keyring(app))},
		&corev1.Secret{ObjectMeta: e.named(desired.FrontendSecret(app))},
		&corev1.Secret{ObjectMeta: e.named(desired.BackendSecret(app))},
		&corev1.Service{ObjectMeta: e.named(desired.Backend(app))},
		&appsv1.Deployment{ObjectMeta: e.named(desired.Backend(app))},
	} {
		if err := cluster.Get(e.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		if object.GetDeletionTimestamp() != nil {
			return fmt.Errorf("%T %s is being deleted", object, object.GetName())
		}
		uids[fmt.Sprintf("%T %s", object, object.GetName())] = object.GetUID()
	}
	return nil
}

// owns returns nil once an app has taken up the Deployment that was left for it.
func (e *environment) owns(app *todov1.TodoApp) error {
	d := &appsv1.Deployment{}
	if err := cluster.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: desired.Backend(app)}, d); err != nil {
		return err
	}
	if !metav1.IsControlledBy(d, app) {
		return fmt.Errorf("Deployment %s is not the app's: %v", d.Name, d.OwnerReferences)
	}
	return nil
}
