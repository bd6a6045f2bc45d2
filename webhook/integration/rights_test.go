package integration_test

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestDecidesWithRightsInTheNamespaceAlone checks that the webhook decides with rights in the object's namespace alone: it reads
// Secrets and ConfigMaps by name, and watches TodoApps only.
func TestDecidesWithRightsInTheNamespaceAlone(t *testing.T) {
	ns, p := namespace(t, "rights"), port(t)
	user := ns
	create(t, app("shop", "{}"), ns)
	options := separate(t, ns, p)
	grant(t, ns, user, allow("", "secrets", "get"), allow("", "configmaps", "get"),
		allow("todoapp.dev", "todoapps", "get", "list", "watch"), allow("authorization.k8s.io", "localsubjectaccessreviews", "create"))
	keepsCertificate(t, user)
	handedOver(t, secret(t, ns, "old-web", "BETTER_AUTH_SECRET", secretA), "todo")
	secret(t, ns, "vault", "key", secretA)
	secret(t, ns, "db", "DATABASE_URL", "x")
	create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"A": "b"}}, ns)

	config := rest.CopyConfig(environment.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	config.QPS, config.Burst = 1, 1 // for the operator's own requests: those who wait for a decision do not wait for these
	ctx, stop := context.WithCancel(context.Background())
	ready, done, err := startManager(ctx, config, p, options, ns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the manager ended: %v", err)
		}
	})
	await(t, "readiness", 3*waiting, ready)

	web := workloads(ns, "web")[0].(*appsv1.Deployment)
	container := &web.Spec.Template.Spec.Containers[0]
	db, settings := corev1.LocalObjectReference{Name: "db"}, corev1.LocalObjectReference{Name: "settings"}
	container.EnvFrom = append(container.EnvFrom,
		corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: db}},
		corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: settings}})
	referring := app("todo", `{frontend: {secretRef: {name: old-web}}, auth: {source: {secretRef: {name: vault, key: key}}}}`)
	referring.SetNamespace(ns)
	soon, cancel := context.WithTimeout(t.Context(), waiting) // less than the limit would let these reads take
	defer cancel()
	for _, object := range []client.Object{web, referring} {
		for range 10 {
			if err := admin.Create(soon, object.DeepCopyObject().(client.Object), client.DryRunAll); err != nil {
				t.Fatalf("%s: %v", object.GetName(), err)
			}
		}
	}
}

// keepsCertificate gives a user the rights that the serving certificate takes, the operator's other ones left out.
func keepsCertificate(t *testing.T, user string) {
	t.Helper()
	grant(t, operatorNamespace, user, allow("", "secrets", "create", "get", "update"))
	meta := metav1.ObjectMeta{Name: user}
	for _, object := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
			allow("admissionregistration.k8s.io", "validatingwebhookconfigurations", "get", "patch")}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}}},
	} {
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}
