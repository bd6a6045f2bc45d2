package integration_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const operatorUser = "system:serviceaccount:todoapp-system:todoapp-operator"

// as returns a client for a user; the groups decide what it may do at all.
func as(t *testing.T, user string, groups ...string) client.Client {
	t.Helper()
	config := rest.CopyConfig(environment.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	config.QPS = -1
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// operator is the operator's own client.
func operator(t *testing.T) client.Client {
	t.Helper()
	return as(t, operatorUser, "system:masters")
}

// changes of a managed Secret; none is carried out.
var changes = map[string]func(*testing.T, client.Client, *corev1.Secret) error{
	"a value": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		s.Data["BETTER_AUTH_SECRET"] = []byte(secretB)
		return c.Update(t.Context(), s, client.DryRunAll)
	},
	"another entry": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Patch(t.Context(), s, merge(`{"stringData":{"x":"y"}}`), client.DryRunAll)
	},
	"no entries": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		s.Data = nil
		return c.Update(t.Context(), s, client.DryRunAll)
	},
	"the label away": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Patch(t.Context(), s, merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`), client.DryRunAll)
	},
	"an annotation": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Patch(t.Context(), s, merge(`{"metadata":{"annotations":{"a":"b"}}}`), client.DryRunAll)
	},
	"the owner away": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Patch(t.Context(), s, merge(`{"metadata":{"ownerReferences":null}}`), client.DryRunAll)
	},
	"a finalizer": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Patch(t.Context(), s, merge(`{"metadata":{"finalizers":["example.com/hold"]}}`), client.DryRunAll)
	},
	"immutable": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Patch(t.Context(), s, merge(`{"immutable":true}`), client.DryRunAll)
	},
	"gone": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.Delete(t.Context(), s, client.DryRunAll)
	},
	"all gone": func(t *testing.T, c client.Client, s *corev1.Secret) error {
		return c.DeleteAllOf(t.Context(), &corev1.Secret{}, client.InNamespace(s.Namespace), client.DryRunAll)
	},
}

func TestManagedSecrets(t *testing.T) {
	ns := namespace(t, "managed")
	managed := owned(t, ns, "shop-frontend-auth", "shop", "frontend", "BETTER_AUTH_SECRET", secretA)
	bind(t, ns, "namespace-admin")
	for name, user := range map[string]struct {
		client client.Client
		passes bool
	}{
		"operator":                   {operator(t), true},
		"garbage collector":          {as(t, "system:serviceaccount:kube-system:generic-garbage-collector", "system:masters"), true},
		"namespace controller":       {as(t, "system:serviceaccount:kube-system:namespace-controller", "system:masters"), true},
		"controller manager":         {as(t, "system:kube-controller-manager", "system:masters"), true},
		"break-glass":                {as(t, "alice", "todoapp.dev:break-glass", "system:masters"), true},
		"break-glass in a namespace": {as(t, "namespace-admin", "todoapp.dev:break-glass"), true},
		"cluster admin":              {admin, false},
		"namespace admin":            {as(t, "namespace-admin"), false},
		"another operator":           {as(t, "system:serviceaccount:other:todoapp-operator", "system:masters"), false},
	} {
		for what, change := range changes {
			t.Run(name+", "+what, func(t *testing.T) {
				err := change(t, user.client, managed.DeepCopy())
				passes(t, err, user.passes)
			})
		}
		t.Run(name+", written back as it is", func(t *testing.T) {
			if err := user.client.Update(t.Context(), managed.DeepCopy()); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// passes judges the answer to a change of a managed Secret.
func passes(t *testing.T, err error, wanted bool) {
	t.Helper()
	const message = "todoapp-operator manages this Secret: change the TodoApp instead, or act as group todoapp.dev:break-glass"
	switch {
	case wanted && err != nil:
		t.Errorf("refused: %v", err)
	case !wanted && (err == nil || !strings.HasSuffix(err.Error(), message)):
		t.Errorf("got %v, want %q", err, message)
	}
}

// Who does not touch managed Secrets notices nothing.
func TestOtherSecrets(t *testing.T) {
	ns := namespace(t, "unmanaged")
	object := secret(t, ns, "own", "BETTER_AUTH_SECRET", secretA)
	for what, change := range changes {
		if err := change(t, admin, object.DeepCopy()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A managed Secret that a backup brings back.
	restored := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "restored",
		Labels: map[string]string{"app.kubernetes.io/managed-by": "todoapp-operator"}}}
	if err := admin.Create(t.Context(), restored, client.DryRunAll); err != nil {
		t.Errorf("restoring: %v", err)
	}
	// Taking the label on is a change to a managed one.
	err := admin.Patch(t.Context(), object, merge(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":"todoapp-operator"}}}`))
	if err == nil {
		t.Error("a Secret of somebody else was labelled as the operator's")
	}
}

// bind makes a user the administrator of a namespace's Secrets.
func bind(t *testing.T, namespace, user string) {
	t.Helper()
	grant(t, namespace, user, allow("", "secrets", "*"))
}

func allow(group, resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

// grant gives a user rights in a namespace.
func grant(t *testing.T, namespace, user string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: user}
	for _, object := range []client.Object{
		&rbacv1.Role{ObjectMeta: meta, Rules: rules},
		&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}}},
	} {
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}
