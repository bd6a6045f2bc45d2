//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	crowd = 50
	// killAt is the number of apps with a keyring at which the test kills the manager.
	killAt = 15
)

// TestKillAmidCreation kills the manager while it creates many apps. All must become ready, and no version may be
// generated twice. After another restart the manager must write nothing.
func TestKillAmidCreation(t *testing.T) {
	e := newEnvironment(t)
	w := e.witness()
	apps := make([]*todov1.TodoApp, crowd)
	for i := range apps {
		apps[i] = e.newApp(fmt.Sprintf("todo-%02d", i), `{backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	}
	created := make(chan error, 1)
	go func() { created <- createAll(t.Context(), apps) }()
	e.await(fmt.Sprintf("%d keyrings", killAt), startWithin, func() error {
		if n := w.minted(); n < killAt {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	n := w.minted()
	took := e.killManager()
	e.Logf("killed with %d of %d keyrings written; another was at work after %.1f s", n, crowd, took.Seconds())
	must(t, <-created)
	started := time.Now()
	for _, app := range apps {
		e.await(app.Name, 5*time.Minute, func() error { return e.ready(app) })
	}
	e.Logf("all %d ready %.1f s after that", crowd, time.Since(started).Seconds())
	w.check(e)
	e.quietRestart()
	w.check(e)
}

// createAll creates apps like kubectl in a loop: it repeats a request if no webhook answers.
func createAll(ctx context.Context, apps []*todov1.TodoApp) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for _, app := range apps {
		if err := poll(ctx, func() error { return cluster.Create(ctx, app) }); err != nil {
			return fmt.Errorf("creating %s: %w", app.Name, err)
		}
	}
	return nil
}

// ready returns an error unless the app is ready.
func (e *environment) ready(app *todov1.TodoApp) error {
	if err := cluster.Get(e.Context(), client.ObjectKeyFromObject(app), app); err != nil {
		return err
	}
	if !meta.IsStatusConditionTrue(app.Status.Conditions, todov1.ConditionReady) {
		return fmt.Errorf("the conditions are %+v", app.Status.Conditions)
	}
	return nil
}

// quietRestart restarts the manager and fails the test if the manager then writes anything.
func (e *environment) quietRestart() {
	e.Helper()
	before := e.settle()
	objects := strings.Count(strings.Join(slices.Collect(maps.Keys(before)), "\n"), "TodoApp")
	sent := e.sentByStandbys()
	e.killManager()
	e.await("the first reconcile of each app", startWithin, func() error {
		reconciles := e.metric(`controller_runtime_reconcile_total\{controller="todoapp".*\}`)
		waiting := e.metric(`workqueue_depth\{controller="todoapp".*\}`)
		if int(reconciles) < objects || waiting > 0 {
			return fmt.Errorf("%.0f reconciles, %.0f waiting", reconciles, waiting)
		}
		return nil
	})
	after := e.versions()
	for name, version := range before {
		if after[name] != version {
			e.Errorf("%s was written or replaced: %s, then %s", name, version, after[name])
		}
	}
	if len(after) != len(before) {
		e.Errorf("there were %d objects, and now %d", len(before), len(after))
	}
	successor, err := leader(e.Context())
	must(e, err)
	changes := e.metricOf(successor.Name, changesSent) - sent[successor.Name].changes
	creations := e.metricOf(successor.Name, creationsSent) - sent[successor.Name].creations
	e.Logf("restart over %d apps, %d objects: all as they were", objects, len(after))
	if changes > 0 || creations > 1 { // the new leader writes one Event
		e.Errorf("the restarted manager sent %.0f changes and %.0f creations", changes, creations)
	}
}

const (
	changesSent   = `rest_client_requests_total\{.*method="(PATCH|DELETE)".*\}`
	creationsSent = `rest_client_requests_total\{.*method="POST".*\}`
)

type requests struct{ changes, creations float64 }

// sentByStandbys returns the requests that managers without the lease have sent so far, such as for the webhook's
// certificate.
func (e *environment) sentByStandbys() map[string]requests {
	e.Helper()
	lead, err := leader(e.Context())
	must(e, err)
	pods, err := cluster.api.CoreV1().Pods(system).List(e.Context(), metav1.ListOptions{FieldSelector: "status.phase=Running"})
	must(e, err)
	sent := map[string]requests{}
	for _, pod := range pods.Items {
		if pod.UID != lead.UID {
			sent[pod.Name] = requests{e.metricOf(pod.Name, changesSent), e.metricOf(pod.Name, creationsSent)}
		}
	}
	return sent
}

// settle waits until nothing has changed for some seconds.
func (e *environment) settle() map[string]string {
	e.Helper()
	last, since := e.versions(), time.Now()
	e.await("quiet", startWithin, func() error {
		now := e.versions()
		if !maps.Equal(now, last) {
			last, since = now, time.Now()
		}
		if quiet := time.Since(since); quiet < 3*time.Second {
			return fmt.Errorf("quiet for %s only", quiet)
		}
		return nil
	})
	return last
}

// versions returns the UIDs and resource versions of all objects in the namespace except Events. For a pod it returns
// the metadata instead, because the kubelet renews the status of pods at any time.
func (e *environment) versions() map[string]string {
	e.Helper()
	all := map[string]string{}
	for _, list := range []client.ObjectList{
		&todov1.TodoAppList{}, &corev1.SecretList{}, &corev1.ServiceList{}, &corev1.PersistentVolumeClaimList{}, &corev1.PodList{},
		&appsv1.DeploymentList{}, &appsv1.ReplicaSetList{}, &policyv1.PodDisruptionBudgetList{},
	} {
		must(e, cluster.List(e.Context(), list, client.InNamespace(e.namespace)))
		items, err := meta.ExtractList(list)
		must(e, err)
		for _, item := range items {
			object := item.(client.Object)
			version := object.GetResourceVersion()
			if pod, is := object.(*corev1.Pod); is {
				version = fmt.Sprint(pod.Generation, pod.Labels, pod.Annotations)
			}
			all[fmt.Sprintf("%T %s", object, object.GetName())] = string(object.GetUID()) + " " + version
		}
	}
	return all
}
