package integration_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// actor is a user who tries to change a managed Secret.
type actor struct {
	client client.Client
	// as are the arguments that make kubectl act as the user.
	as []string
}

// option is client.DryRunAll, or nothing.
type option interface {
	client.CreateOption
	client.UpdateOption
	client.PatchOption
	client.ApplyOption
	client.DeleteOption
	client.DeleteAllOfOption
	client.SubResourcePatchOption
	client.SubResourceUpdateOption
}

// way tries to change or delete a managed Secret.
type way func(t *testing.T, by actor, s *corev1.Secret, options ...option) error

func each[T any](options []option, convert func(option) T) []T {
	var all []T
	for _, o := range options {
		all = append(all, convert(o))
	}
	return all
}

func updated(change func(*corev1.Secret)) way {
	return func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		change(s)
		return by.client.Update(t.Context(), s, each(options, func(o option) client.UpdateOption { return o })...)
	}
}

func patched(kind types.PatchType, body string, with ...client.PatchOption) way {
	return func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		all := append(each(options, func(o option) client.PatchOption { return o }), with...)
		return by.client.Patch(t.Context(), s, client.RawPatch(kind, []byte(body)), all...)
	}
}

func applied(owner string, change func(*corev1ac.SecretApplyConfiguration, *corev1.Secret), with ...client.ApplyOption) way {
	return func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		all := append(each(options, func(o option) client.ApplyOption { return o }), with...)
		want := corev1ac.Secret(s.Name, s.Namespace)
		change(want, s)
		return by.client.Apply(t.Context(), want, append(all, client.FieldOwner(owner))...)
	}
}

func deleted(with ...client.DeleteOption) way {
	return func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		all := append(each(options, func(o option) client.DeleteOption { return o }), with...)
		return by.client.Delete(t.Context(), s, all...)
	}
}

func collectionDeleted(with ...client.DeleteAllOfOption) way {
	return func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		all := append(each(options, func(o option) client.DeleteAllOfOption { return o }), with...)
		return by.client.DeleteAllOf(t.Context(), &corev1.Secret{}, append(all, client.InNamespace(s.Namespace))...)
	}
}

// commanded runs kubectl; NAME in an argument is the Secret's.
func commanded(manifest string, args ...string) way {
	return func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		all := []string{"-n", s.Namespace}
		for _, arg := range args {
			all = append(all, strings.ReplaceAll(arg, "NAME", s.Name))
		}
		if len(options) > 0 && !slices.Contains(args, "--force") { // kubectl has no dry run of that
			all = append(all, "--dry-run=server")
		}
		output := kubectl(t, strings.ReplaceAll(manifest, "NAME", s.Name), append(all, by.as...)...)
		if strings.Contains(output, refusalOfPolicy) {
			return errors.New(refusalOfPolicy)
		}
		return fmt.Errorf("kubectl: %s", output)
	}
}

const refusalOfPolicy = "todoapp-operator manages this Secret: change the TodoApp instead, or act as group todoapp.dev:break-glass"

// manifest is another Secret of the same name.
const manifest = "{apiVersion: v1, kind: Secret, metadata: {name: NAME}, stringData: {x: text}}"

var encodedB = base64.StdEncoding.EncodeToString([]byte(secretB))

// ways are what was tried to change or delete a managed Secret, with other field managers and with the operator's own.
var ways = map[string]way{
	"update: a value":            updated(func(s *corev1.Secret) { s.Data["BETTER_AUTH_SECRET"] = []byte(secretB) }),
	"update: another entry":      updated(func(s *corev1.Secret) { s.Data["x"] = []byte("y") }),
	"update: an entry as text":   updated(func(s *corev1.Secret) { s.StringData = map[string]string{"BETTER_AUTH_SECRET": secretB} }),
	"update: an entry less":      updated(func(s *corev1.Secret) { delete(s.Data, "BETTER_AUTH_SECRET") }),
	"update: no entries":         updated(func(s *corev1.Secret) { s.Data = nil }),
	"update: an empty value":     updated(func(s *corev1.Secret) { s.Data["BETTER_AUTH_SECRET"] = nil }),
	"update: immutable":          updated(func(s *corev1.Secret) { s.Immutable = new(true) }),
	"update: not immutable":      updated(func(s *corev1.Secret) { s.Immutable = new(false) }),
	"update: no labels":          updated(func(s *corev1.Secret) { s.Labels = nil }),
	"update: of another manager": updated(func(s *corev1.Secret) { s.Labels["app.kubernetes.io/managed-by"] = "Helm" }),
	"update: of another app":     updated(func(s *corev1.Secret) { s.Labels["todoapp.dev/app"] = "other" }),
	"update: of no app":          updated(func(s *corev1.Secret) { delete(s.Labels, "todoapp.dev/app") }),
	"update: of another part":    updated(func(s *corev1.Secret) { s.Labels["todoapp.dev/component"] = "other" }),
	"update: another label":      updated(func(s *corev1.Secret) { s.Labels["argocd.argoproj.io/instance"] = "other" }),
	"update: an annotation":      updated(func(s *corev1.Secret) { metav1.SetMetaDataAnnotation(&s.ObjectMeta, "a", "b") }),
	"update: handed over": updated(func(s *corev1.Secret) {
		metav1.SetMetaDataAnnotation(&s.ObjectMeta, "todoapp.dev/adopt", "other")
	}),
	"update: no annotations": updated(func(s *corev1.Secret) {
		s.Annotations, s.Finalizers = nil, []string{"example.com/hold"} // not all have annotations to lose
	}),
	"update: an owner that is gone": updated(func(s *corev1.Secret) {
		s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "gone", UID: "2"}}
	}),
	"update: one more owner": updated(func(s *corev1.Secret) {
		s.OwnerReferences = append(s.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "gone", UID: "2"})
	}),
	"update: fields of a manager made up": updated(func(s *corev1.Secret) { s.ManagedFields[0].Manager = "made-up" }),
	"update: fields that the operator no longer applies": updated(func(s *corev1.Secret) {
		s.ManagedFields[0].Operation = metav1.ManagedFieldsOperationUpdate
	}),

	"merge patch: a value":           patched(types.MergePatchType, `{"data":{"BETTER_AUTH_SECRET":"`+encodedB+`"}}`),
	"merge patch: as the operator's": patched(types.MergePatchType, `{"data":{"x":"eQ=="}}`, client.FieldOwner("todoapp-operator")),
	"merge patch: an entry as text":  patched(types.MergePatchType, `{"stringData":{"x":"y"}}`),
	"merge patch: the label off":     patched(types.MergePatchType, `{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`),
	"merge patch: the label off, and a value": patched(types.MergePatchType,
		`{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}},"data":{"BETTER_AUTH_SECRET":"`+encodedB+`"}}`),
	"merge patch: a finalizer":       patched(types.MergePatchType, `{"metadata":{"finalizers":["example.com/hold"]}}`),
	"merge patch: fields of nobody":  patched(types.MergePatchType, `{"metadata":{"managedFields":[{}]}}`),
	"merge patch: no owner, a label": patched(types.MergePatchType, `{"metadata":{"ownerReferences":null,"labels":{"a":"b"}}}`),
	"JSON patch: a value": patched(types.JSONPatchType,
		`[{"op":"replace","path":"/data/BETTER_AUTH_SECRET","value":"`+encodedB+`"}]`),
	"JSON patch: no data":           patched(types.JSONPatchType, `[{"op":"remove","path":"/data"}]`),
	"JSON patch: no labels":         patched(types.JSONPatchType, `[{"op":"remove","path":"/metadata/labels"}]`),
	"strategic patch: a value":      patched(types.StrategicMergePatchType, `{"data":{"BETTER_AUTH_SECRET":"`+encodedB+`"}}`),
	"strategic patch: all replaced": patched(types.StrategicMergePatchType, `{"data":{"$patch":"replace","x":"eQ=="}}`),
	"strategic patch: an owner": patched(types.StrategicMergePatchType,
		`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"gone","uid":"2"}]}}`),

	"apply: the same value, under another manager": applied("other",
		func(want *corev1ac.SecretApplyConfiguration, s *corev1.Secret) { want.WithData(s.Data) }),
	"apply: the same labels, under another manager": applied("other",
		func(want *corev1ac.SecretApplyConfiguration, s *corev1.Secret) { want.WithLabels(s.Labels) }),
	"apply: another value, by force": applied("other", func(want *corev1ac.SecretApplyConfiguration, _ *corev1.Secret) {
		want.WithData(map[string][]byte{"BETTER_AUTH_SECRET": []byte(secretB)})
	}, client.ForceOwnership),
	"apply: a value, as the operator's": applied("todoapp-operator", func(want *corev1ac.SecretApplyConfiguration, s *corev1.Secret) {
		want.WithLabels(s.Labels).WithData(map[string][]byte{"BETTER_AUTH_SECRET": []byte(secretB)})
	}, client.ForceOwnership),
	"apply: nothing, as the operator's": applied("todoapp-operator",
		func(*corev1ac.SecretApplyConfiguration, *corev1.Secret) {}, client.ForceOwnership),
	"apply: no label, as the operator's": applied("todoapp-operator",
		func(want *corev1ac.SecretApplyConfiguration, s *corev1.Secret) { want.WithData(s.Data) }, client.ForceOwnership),
	"apply: an owner": applied("other", func(want *corev1ac.SecretApplyConfiguration, _ *corev1.Secret) {
		want.WithOwnerReferences(metav1ac.OwnerReference().WithAPIVersion("v1").WithKind("ConfigMap").WithName("gone").WithUID("2"))
	}, client.ForceOwnership),

	"delete":                  deleted(),
	"delete: at once":         deleted(client.GracePeriodSeconds(0)),
	"delete: orphaning":       deleted(client.PropagationPolicy(metav1.DeletePropagationOrphan)),
	"delete: foreground":      deleted(client.PropagationPolicy(metav1.DeletePropagationForeground)),
	"delete: background":      deleted(client.PropagationPolicy(metav1.DeletePropagationBackground)),
	"delete: a collection":    collectionDeleted(),
	"delete: those labelled":  collectionDeleted(client.MatchingLabels{"app.kubernetes.io/managed-by": "todoapp-operator"}),
	"delete: those of a type": collectionDeleted(client.MatchingFields{"type": "Opaque"}),

	"kubectl replace --force": commanded(manifest, "replace", "--force", "-f", "-"),
	"kubectl replace":         commanded(manifest, "replace", "-f", "-"),
	"kubectl apply":           commanded(manifest, "apply", "-f", "-"),
	"kubectl label":           commanded("", "label", "secret", "NAME", "app.kubernetes.io/managed-by-"),
	"kubectl annotate":        commanded("", "annotate", "secret", "NAME", "todoapp.dev/adopt=other", "--overwrite"),
}

// elsewhere are ways that the API server refuses by itself, before any policy.
var elsewhere = map[string]way{
	"another type": updated(func(s *corev1.Secret) { s.Type = "example.com/other" }),
	"a patch of the status": func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		return by.client.Status().Patch(t.Context(), s, merge(`{"data":{"x":"eQ=="}}`),
			each(options, func(o option) client.SubResourcePatchOption { return o })...)
	},
	"an update of a scale": func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		return by.client.SubResource("scale").Update(t.Context(), s,
			each(options, func(o option) client.SubResourceUpdateOption { return o })...)
	},
	"created over it": func(t *testing.T, by actor, s *corev1.Secret, options ...option) error {
		over := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name}}
		return by.client.Create(t.Context(), over, each(options, func(o option) client.CreateOption { return o })...)
	},
}

// managedSecrets makes a Secret that the operator made, one that it adopted, and a keyring that outlived its app, each as the
// operator applies them.
func managedSecrets(t *testing.T, ns string) []*corev1.Secret {
	t.Helper()
	secret := func(name, app, component string) *corev1ac.SecretApplyConfiguration {
		return corev1ac.Secret(name, ns).WithData(map[string][]byte{"BETTER_AUTH_SECRET": []byte(secretA)}).WithLabels(map[string]string{
			"todoapp.dev/app": app, "todoapp.dev/component": component, "app.kubernetes.io/managed-by": "todoapp-operator"})
	}
	owner := metav1ac.OwnerReference().WithAPIVersion("todoapp.dev/v1alpha1").WithKind("TodoApp").WithName("shop").WithUID("1").
		WithController(true)
	var all []*corev1.Secret
	for _, want := range []*corev1ac.SecretApplyConfiguration{
		secret("shop-frontend-auth", "shop", "frontend").WithOwnerReferences(owner),
		secret("old-api", "shop", "backend").WithOwnerReferences(owner).WithAnnotations(map[string]string{"todoapp.dev/adopt": "shop"}),
		secret("gone-keyring", "gone", "keyring"),
	} {
		if err := operator(t).Apply(t.Context(), want, client.FieldOwner("todoapp-operator"), client.ForceOwnership); err != nil {
			t.Fatal(err)
		}
		all = append(all, stored(t, ns, *want.Name))
	}
	return all
}

// Neither the administrator of the cluster nor the editor of a namespace changes or deletes a managed Secret, in whatever way.
func TestWaysToChangeAManagedSecret(t *testing.T) {
	if len(ways)+len(elsewhere) < 42 {
		t.Errorf("there are %d ways", len(ways)+len(elsewhere))
	}
	ns := namespace(t, "ways")
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "ways-editor"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:aggregate-to-edit"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "ways-editor"}}}
	create(t, binding, ns)
	actors := map[string]actor{
		"administrator":    {admin, nil},
		"namespace editor": {as(t, "ways-editor"), []string{"--as=ways-editor"}},
	}
	secrets := managedSecrets(t, ns)
	await(t, "the policy", 10*time.Second, func() error {
		if err := deleted()(t, actors["administrator"], secrets[0].DeepCopy(), client.DryRunAll); err == nil {
			return errors.New("it is not in force yet")
		}
		return nil
	})
	for _, s := range secrets {
		for user, by := range actors {
			for _, options := range [][]option{{client.DryRunAll}, nil} {
				try := func(name string, w way, refused func(error) bool) {
					t.Run(fmt.Sprintf("%s, %s, %s, dry run %t", s.Name, user, name, len(options) > 0), func(t *testing.T) {
						if err := w(t, by, s.DeepCopy(), options...); !refused(err) {
							t.Errorf("got %v", err)
						}
						if now := stored(t, ns, s.Name); now.UID != s.UID || now.ResourceVersion != s.ResourceVersion {
							t.Fatalf("it was changed to %v", now.ObjectMeta)
						}
					})
				}
				for name, w := range ways {
					try(name, w, func(err error) bool { return err != nil && strings.HasSuffix(err.Error(), refusalOfPolicy) })
				}
				for name, w := range elsewhere {
					try(name, w, func(err error) bool { return err != nil && !apierrors.IsInternalError(err) })
				}
			}
		}
	}
}
