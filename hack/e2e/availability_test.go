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

// TestOperatorAway stops the operator while an app is in use. Workloads keep running, scale, move, roll back and are
// deleted. Only requests that need a decision of the webhook wait, and drift is corrected when the operator is back.
func TestOperatorAway(t *testing.T) {
	e := newEnvironment(t)
	todo := e.apply("todo", `{auth: {tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}}, `+
		`frontend: {image: "`+probeImage+`", replicas: 2}, backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	shop := e.apply("shop", `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	leaving := e.apply("leaving", `{auth: {reclaimPolicy: Delete}, backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	for _, app := range []*todov1.TodoApp{todo, shop, leaving} {
		e.awaitReady(app)
	}
	users := []*user{e.startUser(todo)}
	e.deployOthers(shop)
	before := e.secrets(shop)
	started := time.Now()
	bringBack := e.alterOperator(func(d *appsv1.DeploymentSpec) { d.Replicas = new(int32(0)) })
	t.Run("away", func(t *testing.T) {
		for name, scenario := range map[string]func(*environment){
			"Deployment": func(e *environment) {
				e.scales("deployment")
				e.restarts("deployment")
				e.moves("deployment")
				e.rollsBack("deployment")
			},
			"StatefulSet": func(e *environment) { e.scales("statefulset"); e.moves("statefulset"); e.rollsBack("statefulset") },
			"DaemonSet":   func(e *environment) { e.restarts("daemonset"); e.rollsBack("daemonset") },
			"Job":         (*environment).widens,
			"CronJob":     (*environment).runsOnSchedule,
			"unlabelled":  (*environment).comesAndGoes,
			"deleted":     func(e *environment) { e.leaves(leaving) },
			"held":        func(e *environment) { e.waitsForOperator(shop) },
			"TodoApp":     func(e *environment) { e.movesFrontend(todo) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scenario(&environment{t, e.namespace})
			})
		}
	})
	e.judge(users)
	e.spoil(shop)
	e.Logf("the operator was away for %.1f s", time.Since(started).Seconds())
	bringBack()
	e.heals(shop, before)
	e.judge(users)
}

// movesFrontend evicts a frontend pod of an app in use. The judgement of its user comes later.
func (e *environment) movesFrontend(app *todov1.TodoApp) {
	e.Helper()
	before := e.pods(app, todov1.ComponentFrontend)
	e.evict(&before[0])
	e.await("another frontend", startWithin, func() error {
		now := e.pods(app, todov1.ComponentFrontend)
		return replaced(now, &before[0], len(before))
	})
	e.expect(tasks(app, "alice", e.token(app, "alice")), http.StatusOK)
}

// leaves deletes an app and checks that all its objects go, the managed Secrets too.
func (e *environment) leaves(app *todov1.TodoApp) {
	e.Helper()
	must(e, cluster.Delete(e.Context(), app))
	e.await("the end of "+app.Name, startWithin, func() error {
		for _, list := range []client.ObjectList{&corev1.SecretList{}, &appsv1.DeploymentList{}, &corev1.PodList{}} {
			left, err := e.labelled(list, app.Name)
			if err != nil {
				return err
			}
			if len(left) > 0 {
				return fmt.Errorf("there still is %T %s", left[0], left[0].GetName())
			}
		}
		return gone(e.Context(), app)
	})
}

// waitsForOperator sends requests that only the operator can admit, and requests that are always forbidden.
func (e *environment) waitsForOperator(app *todov1.TodoApp) {
	e.Helper()
	const away = "failed calling webhook"
	for _, object := range []client.Object{
		e.newApp("new", `{}`), e.others("new", e.frontendOf(app, "new"))["deployment"],
	} {
		if err := cluster.Create(e.Context(), object); err == nil || !strings.Contains(err.Error(), away) {
			e.Errorf("creating %T: %v, expected %q", object, err, away)
		}
	}
	e.get(app, app.Name)
	changed := app.DeepCopy()
	changed.Spec.Auth.Rotation.Interval = &metav1.Duration{Duration: 100 * time.Hour}
	must(e, cluster.Patch(e.Context(), changed, client.MergeFrom(app)))
	app = changed.DeepCopy()
	changed.Spec.Backend.SecretRef = &todov1.SecretReference{Name: "elsewhere"}
	if err := cluster.Patch(e.Context(), changed, client.MergeFrom(app)); err == nil || !strings.Contains(err.Error(), away) {
		e.Errorf("changing %s: %v, expected %q", app.Name, err, away)
	}
	for name, secret := range e.secrets(app) {
		secret.Data = map[string][]byte{"BETTER_AUTH_SECRET": []byte("mine")}
		if err := cluster.Update(e.Context(), &secret); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), breakGlass) {
			e.Errorf("changing %s: %v, expected a refusal that names the group %s", name, err, breakGlass)
		}
		if err := cluster.Delete(e.Context(), &secret); !apierrors.IsForbidden(err) {
			e.Errorf("deleting %s: %v, expected a refusal", name, err)
		}
	}
}

// comesAndGoes creates, changes and deletes workloads without the label of an app.
func (e *environment) comesAndGoes() {
	e.Helper()
	template := e.frontendOf(e.newApp("plain", `{}`), "plain")
	template.Labels = map[string]string{labelWorkload: "plain"}
	for kind, object := range e.others("plain", template) {
		object.SetLabels(map[string]string{"some": "label"})
		must(e, cluster.Create(e.Context(), object))
		before := object.DeepCopyObject().(client.Object)
		if d, ok := object.(*appsv1.Deployment); ok {
			d.Spec.Template.Spec.Containers[0].EnvFrom[0].SecretRef.Name = "another"
		}
		object.SetAnnotations(map[string]string{"some": "annotation"})
		must(e, cluster.Patch(e.Context(), object, client.MergeFrom(before)))
		if err := cluster.Delete(e.Context(), object, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
			e.Errorf("deleting a %s: %v", kind, err)
		}
	}
}

// spoil makes changes that the operator would undo if it were running.
func (e *environment) spoil(app *todov1.TodoApp) {
	e.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: desired.FrontendSecret(app)}}
	must(e, cluster.glass.Delete(e.Context(), secret))
	d := e.deployment(app)
	stopped := d.DeepCopy()
	stopped.Spec.Replicas = new(int32(0))
	must(e, cluster.Patch(e.Context(), stopped, client.MergeFrom(d)))
}

// heals waits until the changes of spoil are undone and the webhook rejects invalid requests again.
func (e *environment) heals(app *todov1.TodoApp, before map[string]corev1.Secret) {
	e.Helper()
	e.await("the return of the Secret and the pods", healWithin, func() error {
		var secret corev1.Secret
		name := desired.FrontendSecret(app)
		if err := cluster.Get(e.Context(), client.ObjectKey{Namespace: e.namespace, Name: name}, &secret); err != nil {
			return err
		}
		if len(e.pods(app, todov1.ComponentBackend)) == 0 {
			return fmt.Errorf("the backend has no pod")
		}
		return sameKeys(before[name], secret)
	})
	e.awaitReady(app)
	thief := e.newApp("thief", `{frontend: {secretRef: {name: `+desired.FrontendSecret(app)+`}}}`)
	e.refuses(thief, `belongs to TodoApp "`+app.Name+`"`)
	bad := e.frontendOf(app, "bad")
	bad.Spec.Containers[0].EnvFrom[0].SecretRef.Name = desired.BackendSecret(app)
	for kind, object := range e.others("bad", bad) {
		err := cluster.Create(e.Context(), object)
		if err == nil || !strings.Contains(err.Error(), "belongs to the other component") {
			e.Errorf("a %s with the other component's Secret: %v", kind, err)
		}
	}
}
