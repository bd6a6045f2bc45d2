//go:build e2e

package e2e

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// exchanged replaces the managers one by one, as the next upgrade will, while TodoApps are admitted without a pause. No
// admission may fail. The managers of the previous release did not drain requests, so the upgrade from it is exempt.
func (r *release) exchanged() {
	stop := r.admitAlways(r.users[0].app)
	r.install(presentChart, "dev", "--set-string=podAnnotations.todoapp\\.dev/exchanged=once")
	r.Logf("%d admissions while the managers were replaced", stop())
	r.judgeAll()
}

// reinstalled uninstalls the operator and installs it again. The apps keep working, and the operator must not change
// them.
func (r *release) reinstalled() {
	before := r.settle()
	r.uninstall()
	r.judgeAll()
	r.install(presentChart, "dev")
	r.await("the first reconcile of each app", startWithin, func() error {
		if _, err := leader(r.Context()); err != nil {
			return err
		}
		if reconciles := r.metric(`controller_runtime_reconcile_total\{controller="todoapp".*\}`); int(reconciles) < len(r.users) {
			return fmt.Errorf("%.0f reconciles", reconciles)
		}
		return nil
	})
	after := r.settle()
	for name, version := range before {
		if after[name] != version {
			r.Errorf("%s was written or replaced: %s, then %s", name, version, after[name])
		}
	}
	r.judgeAll()
}

// checked runs the check of the installation that users run.
func (r *release) checked() {
	r.Logf("%s", r.helm("test", operator, "--logs"))
}

// confined restricts the operator to this namespace. It must keep working there, and do nothing elsewhere.
func (r *release) confined() {
	other := newEnvironment(r.T)
	r.install(presentChart, "dev", "--set=watchNamespaces={"+r.namespace+"},apps.networkPolicy.enabled=true")
	const program = "../../bin/todoapp-operator"
	r.program(program, "check", "--namespace="+r.namespace)
	if output, err := command(r.Context(), program, "check", "--namespace="+other.namespace, "--within=1s"); err == nil {
		r.Errorf("a namespace that is not looked after passes the check: %s", output)
	}
	stray := other.apply("stray", `{}`)
	app := r.users[0].app
	versions := r.request()
	r.complete(versions)
	r.trimmed()
	r.get(app, app.Name)
	must(r, cluster.Get(r.Context(), client.ObjectKeyFromObject(stray), stray))
	if len(stray.Status.Conditions) > 0 {
		r.Errorf("an app elsewhere was looked after: %+v", stray.Status)
	}
	r.judgeAll()
}

// trimmed removes settings from an app. The operator must delete the objects that are no longer desired, and no others.
func (r *release) trimmed() {
	app := r.apply("new", `{frontend: {image: "`+probeImage+`", replicas: 2}, backend: {storage: {sqlite: {reclaimPolicy: Delete}}}}`)
	r.awaitReady(app)
	name := metav1.ObjectMeta{Namespace: r.namespace, Name: desired.Frontend(app)}
	secret := metav1.ObjectMeta{Namespace: r.namespace, Name: desired.FrontendSecret(app)}
	made := []client.Object{
		&appsv1.Deployment{ObjectMeta: name}, &corev1.Service{ObjectMeta: name}, &policyv1.PodDisruptionBudget{ObjectMeta: name},
		&networkingv1.NetworkPolicy{ObjectMeta: name}, &corev1.Secret{ObjectMeta: secret},
	}
	for _, object := range made {
		must(r, cluster.Get(r.Context(), client.ObjectKeyFromObject(object), object))
	}
	patch := []byte(`{"spec":{"frontend":{"image":null,"secretRef":{"name":"elsewhere"}}}}`)
	must(r, cluster.Patch(r.Context(), app, client.RawPatch(types.MergePatchType, patch)))
	for _, object := range made {
		r.await(fmt.Sprintf("the end of the frontend's %T", object), startWithin, func() error { return gone(r.Context(), object) })
	}
	r.awaitReady(app)
	r.get(&corev1.Secret{}, "elsewhere")
}

// versionsOfKeys returns the versions and timestamps of all keys, without their values.
func (r *release) versionsOfKeys() []string {
	r.Helper()
	var all []string
	for _, u := range r.users {
		ring, err := r.ring(u.app)
		must(r, err)
		for _, k := range ring.Keys {
			all = append(all, fmt.Sprint(u.app.Name, k.Version, k.CreatedAt, k.PromotedAt, k.DemotedAt))
		}
	}
	return all
}

// lives returns the UIDs and restart counts of a component's pods. They differ if a pod was replaced or restarted.
func (r *release) lives(component string) []string {
	r.Helper()
	var all []string
	for _, u := range r.users {
		for _, pod := range r.pods(u.app, component) {
			for _, c := range pod.Status.ContainerStatuses {
				all = append(all, fmt.Sprint(pod.UID, " ", c.Name, " ", c.RestartCount))
			}
		}
	}
	slices.Sort(all)
	return all
}
