package controllers_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// TestACreatedObjectIsAsDesired creates the objects of all golden files of package desired. Objects are sent in their typed form,
// and the name of their field manager tells which fields were desired: a field that the typed form loses or adds would be written
// again.
func TestACreatedObjectIsAsDesired(t *testing.T) {
	files, err := filepath.Glob("../internal/desired/testdata/*.yaml")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no golden files")
	}
	for _, file := range files {
		e := newEnvironment(t)
		golden, err := os.ReadFile(file)
		must(t, err)
		for document := range bytes.SplitSeq(bytes.TrimPrefix(golden, []byte("---\n")), []byte("\n---\n")) {
			want := &unstructured.Unstructured{}
			content, err := yaml.YAMLToJSON(document)
			must(t, err)
			must(t, want.UnmarshalJSON(content))
			if want.GetKind() == "HTTPRoute" {
				continue // it is created by an apply
			}
			want.SetNamespace(e.namespace)
			same, settled, err := controllers.CreatedAsDesired(t.Context(), e.client, want)
			_, counted, _ := unstructured.NestedInt64(want.Object, "spec", "replicas")
			applied := want.GetKind() == "Deployment" && !counted // created by an apply, it is compared once
			if err != nil || !same || settled == applied {
				t.Errorf("%s: created %s %s is as desired: %t, and is not compared again: %t (%v)",
					filepath.Base(file), want.GetKind(), want.GetName(), same, settled, err)
			}
		}
	}
}

// TestAnObjectChangedAtItsCreationIsCorrected changes a Secret and a Service while the operator creates them, as an admission
// webhook of the cluster may.
func TestAnObjectChangedAtItsCreationIsCorrected(t *testing.T) {
	e := newEnvironment(t)
	e.start(func(r *controllers.Reconciler) { r.Client = meddling{r.Client} })
	e.app("todo")
	eventually(t, func() error {
		var (
			secret  corev1.Secret
			service corev1.Service
		)
		if err := errors.Join(e.get("todo-backend-auth", &secret), e.get("todo-backend", &service)); err != nil {
			return err
		}
		if string(secret.Data[keyring.EntrySecret]) == meddled || service.Spec.Selector[todov1.LabelApp] == meddled {
			return errors.New("a changed object is left as it is")
		}
		return nil
	})
	e.settled("todo")
}

const meddled = "meddled-with-by-the-admission-of-the-cluster"

// meddling is a client whose creations are changed.
type meddling struct{ client.Client }

func (m meddling) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	switch object := object.(type) {
	case *corev1.Secret:
		if object.Labels[todov1.LabelComponent] == todov1.ComponentBackend {
			object.Data[keyring.EntrySecret] = []byte(meddled)
		}
	case *corev1.Service:
		object.Spec.Selector[todov1.LabelApp] = meddled
	}
	return m.Client.Create(ctx, object, options...)
}

// TestEmptyValuesAreWrittenOnce creates an app with empty values wherever the API admits them, and with quantities that the API
// server writes in another way. Only the Deployment of which an autoscaler sets the replicas is created by an apply.
func TestEmptyValuesAreWrittenOnce(t *testing.T) {
	e := newEnvironment(t)
	p := e.start(withPolicies)
	app := e.app("todo", everything, func(a *todov1.TodoApp) {
		a.Spec.InheritedMetadata = &todov1.InheritedMetadata{
			Labels: map[string]string{"empty": ""}, Annotations: map[string]string{"example.com/empty": ""}}
		a.Spec.Backend.CORS.AllowedOrigins = []string{}
		a.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{Size: new(resource.MustParse("0.5Gi"))}
		a.Spec.Frontend.Autoscaling = autoscalingByEmptyValues()
		emptyValues(&a.Spec.Frontend.WorkloadSpec)
		emptyValues(&a.Spec.Backend.WorkloadSpec)
	})
	e.settled("todo")
	sent := e.quiet(p)
	e.touch(app, "again")
	sent = append(sent, e.quiet(p)...)
	must(t, errors.Join(e.get("todo-backend", &appsv1.Deployment{}), e.get("todo-frontend", &appsv1.Deployment{})))
	applied := slices.DeleteFunc(slices.Clone(sent), func(request string) bool {
		return !strings.HasPrefix(request, "PATCH ") || strings.HasSuffix(request, "/status")
	})
	if len(applied) != 1 || !strings.HasSuffix(applied[0], "/deployments/todo-frontend") {
		t.Errorf("created objects are written again:\n%s", strings.Join(sent, "\n"))
	}
}

func autoscalingByEmptyValues() *todov1.AutoscalingSpec {
	return &todov1.AutoscalingSpec{
		MaxReplicas: new(int32(3)),
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0))}},
		Metrics: []autoscalingv2.MetricSpec{{
			Type: autoscalingv2.ExternalMetricSourceType,
			External: &autoscalingv2.ExternalMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: "queue", Selector: &metav1.LabelSelector{}},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: new(resource.MustParse("1000m"))},
			},
		}},
	}
}

// emptyValues sets empty values in the fields of a component's pods.
func emptyValues(w *todov1.WorkloadSpec) {
	x, empty := corev1.LocalObjectReference{Name: "x"}, map[string]string{"empty": ""}
	cpu := &corev1.ResourceFieldSelector{Resource: "limits.cpu"}
	w.Env = []corev1.EnvVar{
		{Name: "EMPTY"}, {Name: "SPACE", Value: " "}, {Name: "CPU", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: cpu}},
		{Name: "REF", ValueFrom: &corev1.EnvVarSource{
			ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: x, Key: "a", Optional: new(false)}}},
	}
	w.Resources = corev1.ResourceRequirements{
		Limits:   corev1.ResourceList{"cpu": resource.MustParse("0.5"), "memory": resource.MustParse("1024Mi")},
		Requests: corev1.ResourceList{"cpu": resource.MustParse("0"), "memory": resource.MustParse("0.5Gi")},
	}
	w.Template = todov1.PodTemplate{
		NodeSelector: empty, Annotations: empty, Labels: empty,
		Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		Affinity:    &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: "zone",
			WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: &metav1.LabelSelector{}}},
		HostAliases:     []corev1.HostAlias{{IP: "10.0.0.1"}},
		DNSConfig:       &corev1.PodDNSConfig{Options: []corev1.PodDNSConfigOption{{Name: "x", Value: new("")}}},
		SecurityContext: &todov1.PodUser{RunAsGroup: new(int64(0)), FSGroup: new(int64(0)), SupplementalGroups: []int64{0}},
		Volumes: []todov1.Volume{
			{Name: "cache", EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: new(resource.MustParse("1024Mi"))}},
			{Name: "settings", ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: x, DefaultMode: new(int32(0)),
				Items: []corev1.KeyToPath{{Key: "a", Path: "a", Mode: new(int32(0))}}, Optional: new(false)}},
			{Name: "no-items", ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: x, Items: []corev1.KeyToPath{}}},
		},
		VolumeMounts: []todov1.VolumeMount{{Name: "cache", MountPath: "/cache"}},
		EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
			LocalObjectReference: x, Optional: new(false)}}},
	}
}
