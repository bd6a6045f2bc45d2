//go:build e2e

package e2e

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// bring creates an app whose frontend and backend have images of their own, and read a database from a Secret.
func (r *release) bring() {
	r.Helper()
	r.own = r.apply("own", `{frontend: {image: "`+probeImage+`", database: {urlSecretRef: {name: db, key: url}}},
		backend: {image: "`+probeImage+`", port: 3000, env: [{name: PROBE_IDLE, value: please}],
			storage: {postgres: {urlSecretRef: {name: db, key: url}}}}}`)
	r.awaitReady(r.own)
}

// ownPodsStay returns a function that fails the test if a pod of a frontend or of a backend's own image was replaced or restarted.
func (r *release) ownPodsStay() (check func()) {
	r.Helper()
	apps := []*todov1.TodoApp{r.users[0].app, r.users[1].app, r.own}
	frontends, backends := r.lives(todov1.ComponentFrontend, apps...), r.lives(todov1.ComponentBackend, r.own)
	return func() {
		r.Helper()
		r.awaitReady(r.own)
		if now := r.lives(todov1.ComponentFrontend, apps...); !slices.Equal(now, frontends) {
			r.Errorf("the frontends were %v and are %v", frontends, now)
		}
		if now := r.lives(todov1.ComponentBackend, r.own); !slices.Equal(now, backends) {
			r.Errorf("the pods of the backend's own image were %v and are %v", backends, now)
		}
	}
}

// extended sets fields that the previous release did not have. Each replaces the pods of its component, and no others.
func (r *release) extended() {
	for _, field := range []struct{ component, spec string }{
		{todov1.ComponentFrontend, `{"frontend":{"template":{"terminationGracePeriodSeconds":20}}}`},
		{todov1.ComponentBackend, `{"backend":{"probes":{"readiness":{"path":"/"}}}}`},
		{todov1.ComponentBackend, `{"backend":{"storage":{"postgres":{"caRef":{"name":"db","key":"url"}}}}}`},
	} {
		before := map[string]map[string]bool{}
		for _, component := range components {
			before[component] = r.podUIDs(r.own, component)
		}
		r.merge(r.own, `{"spec":`+field.spec+`}`)
		r.awaitReplaced(r.own, field.component, before[field.component])
		r.awaitReady(r.own)
		for _, component := range components {
			if err := r.same(r.own, component, before[component]); component != field.component && err != nil {
				r.Errorf("after %s: %v", field.spec, err)
			}
		}
	}
	r.judgeAll()
}

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
		r.Errorf("a namespace that is not watched passes the check: %s", output)
	}
	stray := other.apply("stray", `{}`)
	app := r.users[0].app
	versions := r.request()
	r.complete(versions)
	r.trimmed()
	r.get(app, app.Name)
	must(r, cluster.Get(r.Context(), client.ObjectKeyFromObject(stray), stray))
	if len(stray.Status.Conditions) > 0 {
		r.Errorf("an app elsewhere was reconciled: %+v", stray.Status)
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
	r.closed(&networkingv1.NetworkPolicy{ObjectMeta: name})
	patch := []byte(`{"spec":{"frontend":{"image":null,"secretRef":{"name":"elsewhere"}}}}`)
	must(r, cluster.Patch(r.Context(), app, client.RawPatch(types.MergePatchType, patch)))
	for _, object := range made {
		r.await(fmt.Sprintf("the end of the frontend's %T", object), startWithin, func() error { return gone(r.Context(), object) })
	}
	r.awaitReady(app)
	r.get(&corev1.Secret{}, "elsewhere")
}

// closed removes the rules of a NetworkPolicy, which then admits no traffic. The operator must restore them.
func (r *release) closed(policy *networkingv1.NetworkPolicy) {
	key := client.ObjectKeyFromObject(policy)
	must(r, cluster.Get(r.Context(), key, policy))
	before := policy.DeepCopy()
	policy.Spec.Ingress = nil
	must(r, cluster.Patch(r.Context(), policy, client.MergeFrom(before)))
	r.await("the return of the rules of NetworkPolicy "+key.Name, healWithin, func() error {
		if err := cluster.Get(r.Context(), key, policy); err != nil {
			return err
		}
		if !equality.Semantic.DeepEqual(policy.Spec, before.Spec) {
			return fmt.Errorf("it has %v", policy.Spec)
		}
		return nil
	})
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

// lives returns the UIDs and restart counts of a component's pods in some apps. They differ if a pod was replaced or restarted.
func (r *release) lives(component string, apps ...*todov1.TodoApp) []string {
	r.Helper()
	var all []string
	for _, app := range apps {
		for _, pod := range r.pods(app, component) {
			for _, c := range pod.Status.ContainerStatuses {
				all = append(all, fmt.Sprint(pod.UID, " ", c.Name, " ", c.RestartCount))
			}
		}
	}
	slices.Sort(all)
	return all
}
