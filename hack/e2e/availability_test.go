//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// TestOperatorAway takes the operator away while an app is in use: what runs goes on, scales, moves, rolls back and is
// deleted. Only what a decision is needed for waits, and when the operator is back all heals.
func TestOperatorAway(t *testing.T) {
	s := newStage(t)
	todo := s.apply("todo", `{auth: {tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}}, `+
		`frontend: {image: "`+probeImage+`", replicas: 2}, backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	shop := s.apply("shop", `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	leaving := s.apply("leaving", `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	for _, app := range []*todov1.TodoApp{todo, shop, leaving} {
		s.awaitReady(app)
	}
	users := []*user{s.startUser(todo)}
	s.deployOthers(shop)
	before := s.secrets(shop)
	started := time.Now()
	bringBack := s.alterOperator(func(d *appsv1.DeploymentSpec) { d.Replicas = new(int32(0)) })
	t.Run("away", func(t *testing.T) {
		for name, scene := range map[string]func(*stage){
			"Deployment": func(s *stage) {
				s.scales("deployment")
				s.restarts("deployment")
				s.moves("deployment")
				s.rollsBack("deployment")
			},
			"StatefulSet": func(s *stage) { s.scales("statefulset"); s.moves("statefulset"); s.rollsBack("statefulset") },
			"DaemonSet":   func(s *stage) { s.restarts("daemonset"); s.rollsBack("daemonset") },
			"Job":         (*stage).widens,
			"CronJob":     (*stage).runsOnSchedule,
			"unlabelled":  (*stage).comesAndGoes,
			"deleted":     func(s *stage) { s.leaves(leaving) },
			"held":        func(s *stage) { s.waitsForOperator(shop) },
			"TodoApp":     func(s *stage) { s.movesFrontend(todo) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scene(&stage{t, s.namespace})
			})
		}
	})
	s.judge(users)
	s.spoil(shop)
	s.Logf("the operator was away for %.1f s", time.Since(started).Seconds())
	bringBack()
	s.heals(shop, before)
	s.judge(users)
}

// movesFrontend drives a pod of an app that is in use off its node; its user is judged later.
func (s *stage) movesFrontend(app *todov1.TodoApp) {
	s.Helper()
	before := s.pods(app, todov1.ComponentFrontend)
	s.evict(&before[0])
	s.await("another frontend", startWithin, func() error {
		now := s.pods(app, todov1.ComponentFrontend)
		return replaced(now, &before[0], len(before))
	})
	s.expect(tasks(app, "alice", s.token(app, "alice")), http.StatusOK)
}

// leaves deletes an app, and all that was made for it goes, the managed Secrets too.
func (s *stage) leaves(app *todov1.TodoApp) {
	s.Helper()
	must(s, cluster.Delete(s.Context(), app))
	s.await("the end of "+app.Name, startWithin, func() error {
		for _, list := range []client.ObjectList{&corev1.SecretList{}, &appsv1.DeploymentList{}, &corev1.PodList{}} {
			left, err := s.labelled(list, app.Name)
			if err != nil {
				return err
			}
			if len(left) > 0 {
				return fmt.Errorf("there still is %T %s", left[0], left[0].GetName())
			}
		}
		return gone(s.Context(), app)
	})
}

// waitsForOperator tries what only the operator can judge, and what nobody may do.
func (s *stage) waitsForOperator(app *todov1.TodoApp) {
	s.Helper()
	const away = "failed calling webhook"
	for _, object := range []client.Object{
		s.newApp("new", `{}`), s.others("new", s.frontendOf(app, "new"))["deployment"],
	} {
		if err := cluster.Create(s.Context(), object); err == nil || !strings.Contains(err.Error(), away) {
			s.Errorf("creating %T: %v, expected %q", object, err, away)
		}
	}
	s.get(app, app.Name)
	changed := app.DeepCopy()
	changed.Spec.Auth.Rotation.Interval = &metav1.Duration{Duration: 100 * time.Hour}
	must(s, cluster.Patch(s.Context(), changed, client.MergeFrom(app)))
	app = changed.DeepCopy()
	changed.Spec.Backend.SecretRef = &todov1.SecretReference{Name: "elsewhere"}
	if err := cluster.Patch(s.Context(), changed, client.MergeFrom(app)); err == nil || !strings.Contains(err.Error(), away) {
		s.Errorf("changing %s: %v, expected %q", app.Name, err, away)
	}
	for name, secret := range s.secrets(app) {
		secret.Data = map[string][]byte{"BETTER_AUTH_SECRET": []byte("mine")}
		if err := cluster.Update(s.Context(), &secret); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), breakGlass) {
			s.Errorf("changing %s: %v, expected a refusal that names the group %s", name, err, breakGlass)
		}
		if err := cluster.Delete(s.Context(), &secret); !apierrors.IsForbidden(err) {
			s.Errorf("deleting %s: %v, expected a refusal", name, err)
		}
	}
}

// comesAndGoes creates, changes and deletes workloads that are nobody's frontend or backend.
func (s *stage) comesAndGoes() {
	s.Helper()
	template := s.frontendOf(s.newApp("plain", `{}`), "plain")
	template.Labels = map[string]string{labelWorkload: "plain"}
	for kind, object := range s.others("plain", template) {
		object.SetLabels(map[string]string{"some": "label"})
		must(s, cluster.Create(s.Context(), object))
		before := object.DeepCopyObject().(client.Object)
		if d, ok := object.(*appsv1.Deployment); ok {
			d.Spec.Template.Spec.Containers[0].EnvFrom[0].SecretRef.Name = "another"
		}
		object.SetAnnotations(map[string]string{"some": "annotation"})
		must(s, cluster.Patch(s.Context(), object, client.MergeFrom(before)))
		if err := cluster.Delete(s.Context(), object, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
			s.Errorf("deleting a %s: %v", kind, err)
		}
	}
}

// spoil does what the operator would undo if it were there.
func (s *stage) spoil(app *todov1.TodoApp) {
	s.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: desired.FrontendSecret(app)}}
	must(s, cluster.glass.Delete(s.Context(), secret))
	d := s.deployment(app)
	stopped := d.DeepCopy()
	stopped.Spec.Replicas = new(int32(0))
	must(s, cluster.Patch(s.Context(), stopped, client.MergeFrom(d)))
}

// heals waits until nothing is left of what was spoiled, and what must be refused is refused again.
func (s *stage) heals(app *todov1.TodoApp, before map[string]corev1.Secret) {
	s.Helper()
	s.await("the return of the Secret and the pods", healWithin, func() error {
		var secret corev1.Secret
		name := desired.FrontendSecret(app)
		if err := cluster.Get(s.Context(), client.ObjectKey{Namespace: s.namespace, Name: name}, &secret); err != nil {
			return err
		}
		if len(s.pods(app, todov1.ComponentBackend)) == 0 {
			return fmt.Errorf("the backend has no pod")
		}
		return sameKeys(before[name], secret)
	})
	s.awaitReady(app)
	thief := s.newApp("thief", `{frontend: {secretRef: {name: `+desired.FrontendSecret(app)+`}}}`)
	s.refuses(thief, `belongs to TodoApp "`+app.Name+`"`)
	bad := s.frontendOf(app, "bad")
	bad.Spec.Containers[0].EnvFrom[0].SecretRef.Name = desired.BackendSecret(app)
	for kind, object := range s.others("bad", bad) {
		err := cluster.Create(s.Context(), object)
		if err == nil || !strings.Contains(err.Error(), "is the other side's") {
			s.Errorf("a %s with the other side's Secret: %v", kind, err)
		}
	}
}
