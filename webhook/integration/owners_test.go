package integration_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// takings make somebody else an owner of what a managed Secret holds, or the operator none: its content stays the same.
var takings = map[string]func(*testing.T, client.Client, *corev1.Secret) error{
	"as an owner too": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Apply(t.Context(), corev1ac.Secret(s.Name, s.Namespace).WithData(s.Data), client.FieldOwner("other"), client.DryRunAll)
	},
	"as a part of the owner": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		one := corev1ac.Secret(s.Name, s.Namespace).WithData(s.Data)
		return c.Apply(t.Context(), one, client.FieldOwner("todoapp-operator"), client.DryRunAll)
	},
	"of nobody": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Patch(t.Context(), s, merge(`{"metadata":{"managedFields":[{}]}}`), client.DryRunAll)
	},
	"of somebody made up": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		s.ManagedFields[0].Manager = "made-up"
		return c.Update(t.Context(), s, client.DryRunAll)
	},
}

// rewrites leave a managed Secret and its owners as they are, whoever makes them: so storage is encrypted anew, or migrated.
var rewrites = map[string]func(*testing.T, client.Client, *corev1.Secret) error{
	"written back": func(t *testing.T, c client.Client, s *corev1.Secret) error { return c.Update(t.Context(), s) },
	"written back without a manager": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		s.ManagedFields = nil
		return c.Update(t.Context(), s)
	},
	"applied with nothing in it": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		nothing := corev1ac.Secret(s.Name, s.Namespace).WithUID(s.UID).WithResourceVersion(s.ResourceVersion)
		return c.Apply(t.Context(), nothing, client.FieldOwner("storage-version-migrator"))
	},
}

// Entries that the operator drops, such as a revoked key, go: nobody else comes to own them, nor does the operator lose
// what it owns, by writing what is there already.
func TestManagedSecretsHaveOneOwner(t *testing.T) {
	ns := namespace(t, "owners")
	apply := func(entries map[string][]byte) *corev1.Secret {
		t.Helper()
		want := corev1ac.Secret("shop-frontend-auth", ns).WithData(entries).
			WithLabels(map[string]string{"app.kubernetes.io/managed-by": "todoapp-operator"})
		if err := operator(t).Apply(t.Context(), want, client.FieldOwner("todoapp-operator"), client.ForceOwnership); err != nil {
			t.Fatal(err)
		}
		return stored(t, ns, "shop-frontend-auth")
	}
	managed := apply(map[string][]byte{"BETTER_AUTH_SECRET": []byte(secretA), "BETTER_AUTH_LEGACY_SECRET": []byte(secretB)})
	for what, take := range takings {
		t.Run(what, func(t *testing.T) {
			passes(t, take(t, admin, managed.DeepCopy()), false)
			passes(t, take(t, as(t, "alice", "todoapp.dev:break-glass", "system:masters"), managed.DeepCopy()), true)
		})
	}
	for what, rewrite := range rewrites {
		t.Run(what, func(t *testing.T) {
			passes(t, rewrite(t, admin, stored(t, ns, managed.Name)), true)
		})
	}
	left := apply(map[string][]byte{"BETTER_AUTH_SECRET": []byte(secretA)})
	if _, ok := left.Data["BETTER_AUTH_LEGACY_SECRET"]; ok || len(left.Data) != 1 {
		t.Errorf("%d entries are left", len(left.Data))
	}
}

func stored(t *testing.T, namespace, name string) *corev1.Secret {
	t.Helper()
	object := &corev1.Secret{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		t.Fatal(err)
	}
	return object
}
