//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// healWithin bounds how long drift may last on a busy machine.
const healWithin = 30 * time.Second

// TestLostSecrets deletes every one and every two of the three Secrets. The operator must restore them with the same
// key, and no pod may restart.
func TestLostSecrets(t *testing.T) {
	e := newEnvironment(t)
	app := e.apply("todo", `{}`)
	e.awaitReady(app)
	before, pod := e.secrets(app), e.pods(app, todov1.ComponentBackend)[0]
	names := slices.Sorted(maps.Keys(before))
	for i, first := range names {
		for _, second := range names[i:] {
			e.lose(before, first, second)
		}
	}
	if now := e.pods(app, todov1.ComponentBackend)[0]; now.UID != pod.UID || now.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("pod %s was restarted or replaced", pod.Name)
	}
	e.expect(tasks(app, "alice", e.token(app, "alice")), http.StatusOK)
}

// lose deletes Secrets and waits until the operator has restored their data.
func (e *environment) lose(before map[string]corev1.Secret, names ...string) {
	e.Helper()
	names = slices.Compact(names)
	for _, name := range names {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}}
		if err := cluster.Delete(e.Context(), secret); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), breakGlass) {
			e.Errorf("deleting %s: %v, expected a refusal that names the group %s", name, err, breakGlass)
		}
		must(e, cluster.glass.Delete(e.Context(), secret))
	}
	e.await("the return of "+strings.Join(names, " and "), healWithin, func() error {
		for _, name := range names {
			var secret corev1.Secret
			if err := cluster.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: name}, &secret); err != nil {
				return err
			}
			if secret.UID == before[name].UID {
				return fmt.Errorf("%s is still the one deleted", name)
			}
			if err := sameKeys(before[name], secret); err != nil {
				e.Fatalf("%s came back changed: %v", name, err)
			}
		}
		return nil
	})
}

// sameKeys compares the keys of two Secrets without printing them. A rebuilt ring has other timestamps, and may have
// one more revoked key, which reserves versions that the lost ring may have used.
func sameKeys(a, b corev1.Secret) error {
	ring, err := keyring.Unmarshal(a.Data)
	if err != nil { // the Secret is a projection
		if !equality.Semantic.DeepEqual(a.Data, b.Data) {
			return fmt.Errorf("the entries differ")
		}
		return nil
	}
	rebuilt, err := keyring.Unmarshal(b.Data)
	if err != nil {
		return err
	}
	for _, key := range rebuilt.Keys {
		if key.RevokedAt.IsZero() && find(ring, key.Version).Value != key.Value {
			return fmt.Errorf("version %d is another key", key.Version)
		}
	}
	before, _ := ring.Active()
	if now, _ := rebuilt.Active(); now.Value != before.Value {
		return fmt.Errorf("another key is active")
	}
	return nil
}

// secrets returns the three Secrets of an app by name.
func (e *environment) secrets(app *todov1.TodoApp) map[string]corev1.Secret {
	e.Helper()
	all := map[string]corev1.Secret{}
	for _, name := range []string{desired.Keyring(app), desired.FrontendSecret(app), desired.BackendSecret(app)} {
		var secret corev1.Secret
		e.get(&secret, name)
		all[name] = secret
	}
	return all
}

// TestDrift checks that the operator undoes changes by hand, and that the webhook rejects changes of managed Secrets.
func TestDrift(t *testing.T) {
	e := newEnvironment(t)
	app := e.apply("todo", `{}`)
	e.awaitReady(app)
	for _, name := range []string{desired.FrontendSecret(app), desired.BackendSecret(app)} {
		e.editSecret(app, name)
	}
	for what, edit := range map[string]func(*appsv1.Deployment){
		"replicas": func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(0)) },
		"image":    func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "localhost:1/other:1" },
		"args": func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].Args = []string{"api", "--auth-dir=/tmp"}
		},
		"strategy": func(d *appsv1.Deployment) {
			d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType}
		},
		"labels": func(d *appsv1.Deployment) { delete(d.Labels, "app.kubernetes.io/name") },
		"owners": func(d *appsv1.Deployment) { d.OwnerReferences = nil },
	} {
		e.editDeployment(app, what, edit)
	}
	must(t, cluster.Delete(t.Context(), e.deployment(app)))
	e.await("the return of the Deployment", healWithin, func() error {
		return cluster.Get(t.Context(), client.ObjectKey{Namespace: e.namespace, Name: desired.Backend(app)}, &appsv1.Deployment{})
	})
	e.awaitReady(app)
	e.await("an answer", startWithin, func() error {
		e.expect(tasks(app, "alice", e.token(app, "alice")), http.StatusOK)
		return nil
	})
}

func (e *environment) editSecret(app *todov1.TodoApp, name string) {
	e.Helper()
	before := e.secrets(app)[name]
	edit := func(as client.Client) error {
		return retry.RetryOnConflict(retry.DefaultRetry, func() error { // the operator may write it at the same time
			edited := e.secrets(app)[name]
			edited.Data[keyring.EntrySecret] = []byte(strings.Repeat("by-hand-", 6))
			return as.Update(e.Context(), &edited)
		})
	}
	if err := edit(cluster); !apierrors.IsForbidden(err) {
		e.Errorf("editing %s: %v, expected a refusal", name, err)
	}
	must(e, edit(cluster.glass))
	e.await("the return of what "+name+" held", healWithin, func() error {
		return sameKeys(before, e.secrets(app)[name])
	})
}

func (e *environment) deployment(app *todov1.TodoApp) *appsv1.Deployment {
	e.Helper()
	d := &appsv1.Deployment{}
	e.get(d, desired.Backend(app))
	return d
}

func (e *environment) editDeployment(app *todov1.TodoApp, what string, edit func(*appsv1.Deployment)) {
	e.Helper()
	before := e.deployment(app)
	edited := before.DeepCopy()
	edit(edited)
	must(e, cluster.Patch(e.Context(), edited, client.MergeFrom(before)))
	e.await("the return of the Deployment's "+what, healWithin, func() error {
		now := e.deployment(app)
		if !equality.Semantic.DeepEqual(now.Spec, before.Spec) {
			return fmt.Errorf("the spec differs")
		}
		if !maps.Equal(now.Labels, before.Labels) || !equality.Semantic.DeepEqual(now.OwnerReferences, before.OwnerReferences) {
			return fmt.Errorf("the metadata differ")
		}
		return nil
	})
}
