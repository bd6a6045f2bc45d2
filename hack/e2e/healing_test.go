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

// healWithin is how long drift may last on a busy machine.
const healWithin = 30 * time.Second

// Whichever one or two of the three Secrets are lost, the same key comes back and no pod notices.
func TestLostSecrets(t *testing.T) {
	s := newStage(t)
	app := s.apply("todo", `{}`)
	s.awaitReady(app)
	before, pod := s.secrets(app), s.pods(app, todov1.ComponentBackend)[0]
	names := slices.Sorted(maps.Keys(before))
	for i, first := range names {
		for _, second := range names[i:] {
			s.lose(before, first, second)
		}
	}
	if now := s.pods(app, todov1.ComponentBackend)[0]; now.UID != pod.UID || now.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("pod %s was restarted or replaced", pod.Name)
	}
	s.expect(tasks(app, "alice", s.token(app, "alice")), http.StatusOK)
}

// lose deletes the Secrets and waits until what they held is back.
func (s *stage) lose(before map[string]corev1.Secret, names ...string) {
	s.Helper()
	names = slices.Compact(names)
	for _, name := range names {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}}
		if err := cluster.Delete(s.Context(), secret); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), breakGlass) {
			s.Errorf("deleting %s: %v, expected a refusal that names the group %s", name, err, breakGlass)
		}
		must(s, cluster.glass.Delete(s.Context(), secret))
	}
	s.await("the return of "+strings.Join(names, " and "), healWithin, func() error {
		for _, name := range names {
			var secret corev1.Secret
			if err := cluster.Get(s.Context(), client.ObjectKey{Namespace: s.namespace, Name: name}, &secret); err != nil {
				return err
			}
			if secret.UID == before[name].UID {
				return fmt.Errorf("%s is still the one deleted", name)
			}
			if err := sameKeys(before[name], secret); err != nil {
				s.Fatalf("%s came back changed: %v", name, err)
			}
		}
		return nil
	})
}

// sameKeys compares what two Secrets hold without showing it. A ring that was rebuilt has other moments, and may have a
// revoked key more, which takes versions out of use that were lost.
func sameKeys(a, b corev1.Secret) error {
	ring, err := keyring.Unmarshal(a.Data)
	if err != nil { // a projection
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

// secrets are the three of an app, by name.
func (s *stage) secrets(app *todov1.TodoApp) map[string]corev1.Secret {
	s.Helper()
	all := map[string]corev1.Secret{}
	for _, name := range []string{desired.Keyring(app), desired.FrontendSecret(app), desired.BackendSecret(app)} {
		var secret corev1.Secret
		s.get(&secret, name)
		all[name] = secret
	}
	return all
}

// What someone changes by hand comes back, and managed Secrets are not theirs to change.
func TestDrift(t *testing.T) {
	s := newStage(t)
	app := s.apply("todo", `{}`)
	s.awaitReady(app)
	for _, name := range []string{desired.FrontendSecret(app), desired.BackendSecret(app)} {
		s.editSecret(app, name)
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
		s.editDeployment(app, what, edit)
	}
	must(t, cluster.Delete(t.Context(), s.deployment(app)))
	s.await("the return of the Deployment", healWithin, func() error {
		return cluster.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: desired.Backend(app)}, &appsv1.Deployment{})
	})
	s.awaitReady(app)
	s.await("an answer", startWithin, func() error {
		s.expect(tasks(app, "alice", s.token(app, "alice")), http.StatusOK)
		return nil
	})
}

func (s *stage) editSecret(app *todov1.TodoApp, name string) {
	s.Helper()
	before := s.secrets(app)[name]
	edit := func(as client.Client) error {
		return retry.RetryOnConflict(retry.DefaultRetry, func() error { // the operator may just be writing it
			edited := s.secrets(app)[name]
			edited.Data[keyring.EntrySecret] = []byte(strings.Repeat("by-hand-", 6))
			return as.Update(s.Context(), &edited)
		})
	}
	if err := edit(cluster); !apierrors.IsForbidden(err) {
		s.Errorf("editing %s: %v, expected a refusal", name, err)
	}
	must(s, edit(cluster.glass))
	s.await("the return of what "+name+" held", healWithin, func() error {
		return sameKeys(before, s.secrets(app)[name])
	})
}

func (s *stage) deployment(app *todov1.TodoApp) *appsv1.Deployment {
	s.Helper()
	d := &appsv1.Deployment{}
	s.get(d, desired.Backend(app))
	return d
}

func (s *stage) editDeployment(app *todov1.TodoApp, what string, edit func(*appsv1.Deployment)) {
	s.Helper()
	before := s.deployment(app)
	edited := before.DeepCopy()
	edit(edited)
	must(s, cluster.Patch(s.Context(), edited, client.MergeFrom(before)))
	s.await("the return of the Deployment's "+what, healWithin, func() error {
		now := s.deployment(app)
		if !equality.Semantic.DeepEqual(now.Spec, before.Spec) {
			return fmt.Errorf("the spec differs")
		}
		if !maps.Equal(now.Labels, before.Labels) || !equality.Semantic.DeepEqual(now.OwnerReferences, before.OwnerReferences) {
			return fmt.Errorf("the metadata differ")
		}
		return nil
	})
}
