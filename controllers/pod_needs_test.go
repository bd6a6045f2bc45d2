package controllers

import (
	"context"
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// The entries that a volume makes files of are read, so that a certificate authority without its entry is named.
func TestAPodNeedsTheEntriesOfItsFiles(t *testing.T) {
	items := []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}
	pod := corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{
		{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "pg-ca", Items: items}}},
		{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "maybe", Optional: new(true)}}},
		{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "rds-ca"}, Items: items}}},
		{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "tls"}, Items: items}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "root"}}},
			{ConfigMap: &corev1.ConfigMapProjection{Optional: new(true)}},
		}}}},
	}}}
	want := []need{{"Secret", "pg-ca", ""}, {"Secret", "pg-ca", "ca.crt"},
		{"ConfigMap", "rds-ca", ""}, {"ConfigMap", "rds-ca", "ca.crt"},
		{"Secret", "tls", ""}, {"Secret", "tls", "ca.crt"}, {"ConfigMap", "root", ""}}
	if got := needs(&pod); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := needs(&corev1.Pod{Spec: references(&pod.Spec)}); !slices.Equal(got, want) {
		t.Errorf("from the cache: got %v, want %v", got, want)
	}
}

// objects is an API server with a Secret and a ConfigMap, each with one entry.
type objects struct{ client.Reader }

// Get implements client.Reader.
func (objects) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	switch object := into.(type) {
	case *corev1.Secret:
		if key.Name == "db" {
			object.Data = map[string][]byte{"url": []byte("x")}
			return nil
		}
	case *corev1.ConfigMap:
		if key.Name == "ca" {
			object.Data = map[string]string{"root.pem": "x"}
			return nil
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

// A missing entry of a database is named with its object and the field of the app that refers to it.
func TestAMissingEntryOfADatabaseIsNamed(t *testing.T) {
	database := func(secret, entry string, ca *todov1.CAReference) todov1.DatabaseSpec {
		return todov1.DatabaseSpec{CARef: ca, URLSecretRef: todov1.SecretKeyReference{
			SecretReference: todov1.SecretReference{Name: secret}, Key: entry}}
	}
	const backend, frontend = "spec.backend.storage.postgres", "spec.frontend.database"
	for name, c := range map[string]struct {
		database      todov1.DatabaseSpec
		missing, want string
	}{
		"complete":     {database("db", "url", &todov1.CAReference{Kind: "ConfigMap", Name: "ca", Key: "root.pem"}), "", ""},
		"no Secret":    {database("dv", "url", nil), "Secret dv not found", "urlSecretRef"},
		"no URL":       {database("db", "uri", nil), "Secret db has no entry uri", "urlSecretRef"},
		"no ConfigMap": {database("db", "url", &todov1.CAReference{Kind: "ConfigMap", Name: "cb"}), "ConfigMap cb not found", "caRef"},
		"no entry": {database("db", "url", &todov1.CAReference{Kind: "ConfigMap", Name: "ca"}),
			"ConfigMap ca has no entry ca.crt", "caRef"},
		"no entry of a Secret": {database("db", "url", &todov1.CAReference{Name: "db", Key: "ca"}), "Secret db has no entry ca", "caRef"},
	} {
		t.Run(name, func(t *testing.T) {
			app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "todo"}}
			app.Spec.Auth.Tokens.MaxLifetime, app.Spec.Auth.Tokens.Leeway = &metav1.Duration{}, &metav1.Duration{}
			app.Spec.Frontend.Image, app.Spec.Frontend.Database, app.Spec.Backend.Storage.Postgres = "web:1", &c.database, &c.database
			for component, field := range map[string]string{todov1.ComponentBackend: backend, todov1.ComponentFrontend: frontend} {
				got, err := (&Reconciler{Live: objects{}}).findMissing(t.Context(), podOf(t, app, component), app,
					&needReads{known: map[string]map[string][]byte{}, left: mostCauseReads})
				want := ""
				if c.missing != "" {
					want = fmt.Sprintf("%s: pod todo-%s-x cannot start without it. It starts by itself once that exists. "+
						"If the name is wrong, correct %s.%s.", c.missing, component, field, c.want)
				}
				if err != nil || got.message != want {
					t.Errorf("got %q (%v), want %q", got.message, err, want)
				}
			}
		})
	}
}

// podOf returns a pod of the Deployment that the operator makes of a component, without the references to the app's own Secrets.
func podOf(t *testing.T, app *todov1.TodoApp, component string) *corev1.Pod {
	t.Helper()
	for _, config := range desired.Objects(app, desired.Keys{}, desired.Images{TaskAPI: "api:1"}, desired.Network{}) {
		want, err := unstructuredOf(config)
		if err != nil || want.GetKind() != "Deployment" || want.GetLabels()[todov1.LabelComponent] != component {
			continue
		}
		var d appsv1.Deployment
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(want.Object, &d); err != nil {
			t.Fatal(err)
		}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: d.Name + "-x", Labels: d.Spec.Template.Labels}, Spec: d.Spec.Template.Spec}
		for i := range pod.Spec.Containers {
			pod.Spec.Containers[i].EnvFrom = nil
		}
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == "auth" })
		return pod
	}
	t.Fatalf("the app has no %s", component)
	return nil
}
