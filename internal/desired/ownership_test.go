package desired_test

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

var owned = &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop", UID: "this"}}

func labelledAs(managedBy, app, component string) map[string]string {
	return map[string]string{desired.LabelManagedBy: managedBy, todov1.LabelApp: app, todov1.LabelComponent: component}
}

func owners(controller bool, kind, name string, uid types.UID) []metav1.OwnerReference {
	version := todov1.GroupVersion.String()
	if kind != "TodoApp" {
		version = "apps/v1"
	}
	return []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: name, UID: uid, Controller: &controller}}
}

func TestOwnershipFollowsLabelsControllerAndMark(t *testing.T) {
	const unmarked = `was not made for this TodoApp: to hand it over, run "kubectl annotate secret x todoapp.dev/adopt=shop -n prod"`
	ours := labelledAs(desired.ManagedBy, "shop", todov1.ComponentBackend)
	for name, test := range map[string]struct {
		labels, annotations map[string]string
		owners              []metav1.OwnerReference
		want                string
	}{
		"controlled by the app":             {labels: ours, owners: owners(true, "TodoApp", "shop", "this"), want: "Made"},
		"controlled, without labels":        {owners: owners(true, "TodoApp", "shop", "this"), want: "Made"},
		"orphaned or retained":              {labels: ours, want: "Made"},
		"orphaned and owned by a bystander": {labels: ours, owners: owners(false, "Job", "x", "1"), want: "Made"},
		"restored with the old owner":       {labels: ours, owners: owners(true, "TodoApp", "shop", "old"), want: "Made"},
		"the old owner without labels": {owners: owners(true, "TodoApp", "shop", "old"),
			want: unmarked},
		"labelled, but another controls it": {labels: ours, owners: owners(true, "Deployment", "db", "1"),
			want: "belongs to Deployment db: choose another name"},
		"another kind of the same name controls it": {labels: ours, owners: owners(true, "Deployment", "shop", "this"),
			want: "belongs to Deployment shop: choose another name"},
		"marked, but another controls it": {annotations: map[string]string{todov1.AnnotationAdopt: "shop"},
			owners: owners(true, "ExternalSecret", "vault", "1"), want: "belongs to ExternalSecret vault: choose another name"},
		"another app's": {labels: labelledAs(desired.ManagedBy, "bank", todov1.ComponentBackend),
			want: "belongs to TodoApp bank: choose another name"},
		"another app's, marked": {labels: labelledAs(desired.ManagedBy, "bank", todov1.ComponentBackend),
			annotations: map[string]string{todov1.AnnotationAdopt: "shop"}, want: "belongs to TodoApp bank: choose another name"},
		"controlled by another app": {labels: labelledAs(desired.ManagedBy, "bank", todov1.ComponentBackend),
			owners: owners(true, "TodoApp", "bank", "1"), want: "belongs to TodoApp bank: choose another name"},
		"labelled by its owner, not by the operator": {labels: labelledAs("Helm", "shop", todov1.ComponentBackend),
			want: unmarked},
		"labelled without a component": {labels: labelledAs(desired.ManagedBy, "shop", ""),
			want: unmarked},
		"handed over": {annotations: map[string]string{todov1.AnnotationAdopt: "shop"}, want: "HandedOver"},
		"handed over to another": {annotations: map[string]string{todov1.AnnotationAdopt: "bank"},
			want: "is handed over to TodoApp bank: to take it, " +
				`run "kubectl annotate secret x todoapp.dev/adopt=shop -n prod --overwrite"`},
		"bare": {want: unmarked},
	} {
		t.Run(name, func(t *testing.T) {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "x",
				Labels: test.labels, Annotations: test.annotations, OwnerReferences: test.owners}}
			if got := desired.OwnershipOf(secret, owned).String(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestOnlySecretsClaimsAndServicesAreHandedOver(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "prod", Name: "x", Annotations: map[string]string{todov1.AnnotationAdopt: "shop"}}
	for want, objects := range map[desired.Origin][]metav1.Object{
		desired.HandedOver: {&corev1.Secret{ObjectMeta: meta}, &corev1.PersistentVolumeClaim{ObjectMeta: meta},
			&corev1.Service{ObjectMeta: meta}},
		desired.Foreign: {&appsv1.Deployment{ObjectMeta: meta}, &networkingv1.Ingress{ObjectMeta: meta},
			&networkingv1.NetworkPolicy{ObjectMeta: meta}, &policyv1.PodDisruptionBudget{ObjectMeta: meta}},
	} {
		for _, object := range objects {
			got := desired.OwnershipOf(object, owned)
			if got.Origin != want || want == desired.Foreign && !strings.Contains(got.Advice, "delete it") {
				t.Errorf("%T: %s, expected %s", object, got, want)
			}
		}
	}
}

func TestASecretWithOtherEntriesIsNotHandedOver(t *testing.T) {
	marked := map[string]string{todov1.AnnotationAdopt: "shop"}
	for name, test := range map[string]struct {
		secret string
		data   []string
		want   string
	}{
		"the key alone":            {"env", []string{keyring.EntrySecret}, "HandedOver"},
		"all of a projection":      {"env", keyring.Entries(), "HandedOver"},
		"empty":                    {"env", nil, "HandedOver"},
		"a keyring under its name": {"shop-keyring", []string{keyring.StorageKey}, "HandedOver"},
		"a keyring elsewhere": {"env", []string{keyring.StorageKey},
			"also holds keyring.json: copy the key into a Secret of its own"},
		"a projection as the keyring": {"shop-keyring", []string{keyring.EntrySecret},
			"also holds BETTER_AUTH_SECRET: copy the key into a Secret of its own"},
		"a whole environment": {"env", []string{"SMTP_PASSWORD", keyring.EntrySecret, "DATABASE_URL"},
			"also holds DATABASE_URL, SMTP_PASSWORD: copy the key into a Secret of its own"},
		"many long entries": {"env", []string{"a", "b", strings.Repeat("c", 41), "d", "e"},
			"also holds a, b, " + strings.Repeat("c", 40) + "..., 2 more: copy the key into a Secret of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: test.secret, Annotations: marked},
				Data: map[string][]byte{}}
			for _, entry := range test.data {
				secret.Data[entry] = fmt.Appendf(nil, "value of %s", entry)
			}
			if got := desired.OwnershipOf(secret, owned).String(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAKeyringIsKnownByItsLabelOrByTheNameOfItsApp(t *testing.T) {
	ours := labelledAs(desired.ManagedBy, "shop", todov1.ComponentKeyring)
	long := strings.Repeat("a", 60)
	for name, test := range map[string]struct {
		secret string
		labels map[string]string
		owners []metav1.OwnerReference
		want   bool
	}{
		"a keyring":                   {"shop-keyring", ours, nil, true},
		"labelled by another":         {"x", map[string]string{todov1.LabelComponent: todov1.ComponentKeyring}, nil, true},
		"without its component":       {"shop-keyring", labelledAs(desired.ManagedBy, "shop", ""), nil, true},
		"labelled with its app alone": {"shop-keyring", map[string]string{todov1.LabelApp: "shop"}, nil, true},
		"owned by its app alone":      {"shop-keyring", nil, owners(true, "TodoApp", "shop", "this"), true},
		"owned by another kind":       {"shop-keyring", nil, owners(true, "Job", "shop", "this"), false},
		"of an app with a long name": {
			desired.Keyring(&todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: long}}), map[string]string{todov1.LabelApp: long}, nil, true,
		},
		"a component's Secret":     {"shop-backend-auth", labelledAs(desired.ManagedBy, "shop", todov1.ComponentBackend), nil, false},
		"named like another app's": {"shop-keyring", labelledAs(desired.ManagedBy, "bank", todov1.ComponentBackend), nil, false},
		"named alike":              {"some-keyring", nil, nil, false},
		"named as if of no app":    {"-keyring", nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: test.secret, Labels: test.labels, OwnerReferences: test.owners}}
			if got := desired.IsKeyring(secret); got != test.want {
				t.Errorf("got %v, expected %v", got, test.want)
			}
		})
	}
}
