package desired_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

var update = flag.Bool("update", false, "write the golden files anew")

// app returns a TodoApp with the defaults that the API server sets.
func app(change func(*todov1.TodoApp)) *todov1.TodoApp {
	a := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "todo", UID: "11111111-2222"}}
	a.Spec.Auth.Tokens.MaxLifetime = &metav1.Duration{Duration: 168 * time.Hour}
	a.Spec.Auth.Tokens.Leeway = &metav1.Duration{Duration: 30 * time.Second}
	a.Spec.Frontend.Port, a.Spec.Backend.Port = 3000, 8000
	a.Spec.Frontend.Replicas, a.Spec.Backend.Replicas = new(int32(1)), new(int32(1))
	change(a)
	return a
}

// keys holds the projections in the middle of a rotation.
var keys = desired.Keys{
	Frontend: keyring.Projection{Data: map[string]string{keyring.EntrySecret: "one", keyring.EntrySecrets: "1:one,2:two"},
		Versions: []int64{1, 2}},
	Backend: keyring.Projection{Data: map[string]string{keyring.EntrySecret: "one", keyring.EntrySecrets: "1:one,2:two"},
		Versions: []int64{1, 2}},
}

func ref(name, key string) todov1.SecretKeyReference {
	return todov1.SecretKeyReference{SecretReference: todov1.SecretReference{Name: name}, Key: key}
}

func TestObjects(t *testing.T) {
	for name, change := range map[string]func(*todov1.TodoApp){
		"empty": func(*todov1.TodoApp) {},
		"postgres": func(a *todov1.TodoApp) {
			a.Spec.Auth.Tokens.Issuer, a.Spec.Auth.Tokens.Audience = "nextjs-frontend", "fastapi-backend"
			a.Spec.Backend.Replicas = new(int32(3))
			a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: ref("neon", "DATABASE_URL")}
			a.Spec.Backend.CORS.AllowedOrigins = []string{"https://a.example.com", "https://b.example.com"}
		},
		"frontend": func(a *todov1.TodoApp) {
			a.Spec.Frontend.Image = "registry.example.com/web:1.4"
			a.Spec.Frontend.Replicas = new(int32(2))
			a.Spec.Frontend.URL = "https://todo.example.com/app"
			a.Spec.Frontend.SecretRef = &todov1.SecretReference{Name: "web-auth"}
			a.Spec.Frontend.Database = &todov1.DatabaseSpec{URLSecretRef: ref("db", "url")}
			a.Spec.Frontend.Env = []corev1.EnvVar{{Name: "API_URL", Value: "http://elsewhere"}, {Name: "LOG", Value: "debug"}}
			a.Spec.Frontend.Template = todov1.PodTemplate{
				NodeSelector: map[string]string{"disk": "ssd"}, ServiceAccountName: "web",
				Tolerations:      []corev1.Toleration{{Key: "spot", Operator: corev1.TolerationOpExists}},
				ImagePullSecrets: []corev1.LocalObjectReference{{Name: "pull"}},
				Annotations:      map[string]string{"team": "a"}, Labels: map[string]string{"tier": "web"},
			}
		},
		"platform": platform,
		"ingress": func(a *todov1.TodoApp) {
			a.Spec.Frontend.Image = "registry.example.com/web:1.4"
			a.Spec.Ingress = &todov1.IngressSpec{
				Host: "todo.example.com", ClassName: "nginx", TLSSecretName: "todo-tls",
				Annotations:   map[string]string{"cert-manager.io/cluster-issuer": "letsencrypt"},
				FrontendPaths: []string{"/api/auth", "/api/health/deep"},
			}
		},
		"autoscaling": func(a *todov1.TodoApp) {
			a.Spec.Frontend.Image = "registry.example.com/web:1.4"
			a.Spec.Frontend.Autoscaling = &todov1.AutoscalingSpec{External: true, MinReplicas: new(int32(2))}
			a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: ref("neon", "DATABASE_URL")}
			a.Spec.Backend.Autoscaling = &todov1.AutoscalingSpec{MinReplicas: new(int32(2)), MaxReplicas: new(int32(10)),
				Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
					ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(60))}}}
		},
		"gateway": func(a *todov1.TodoApp) {
			a.Spec.Frontend.Image, a.Spec.Frontend.Replicas = "registry.example.com/web:1.4", new(int32(2))
			a.Spec.Gateway = &todov1.GatewaySpec{
				ParentRefs: []todov1.GatewayReference{{Name: "public", Namespace: "infra", SectionName: "https"}, {Name: "own"}},
				Hostnames:  []string{"todo.example.com", "todo.example.org"}, FrontendPaths: []string{"/api/auth"},
				Annotations: map[string]string{"team": "a"}, Labels: map[string]string{"exposed": "public"},
			}
		},
		"own backend": func(a *todov1.TodoApp) {
			a.Spec.Auth.Tokens.Audience = "fastapi-backend"
			a.Spec.Backend.Image = "registry.example.com/fastapi:2"
			a.Spec.Backend.Storage.SQLite = &todov1.SQLiteSpec{
				StorageClassName: new("fast"), ReclaimPolicy: todov1.ReclaimDelete}
			a.Spec.Backend.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: quantity("256Mi")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			network := desired.Network{}
			if name == "ingress" {
				network = closed
			}
			for _, object := range desired.Objects(app(change), keys, desired.Images{TaskAPI: "todoapp-operator:1.0"}, network) {
				document, err := yaml.Marshal(object)
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("---\n")
				got.Write(document)
			}
			golden(t, strings.ReplaceAll(name, " ", "-")+".yaml", got.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s (go test -update writes it anew):\n%s", path, got)
	}
}

// TestObjectsAreTheSameEachTime: a difference from one call to the next would be written for ever.
func TestObjectsAreTheSameEachTime(t *testing.T) {
	a := app(func(a *todov1.TodoApp) { a.Spec.Frontend.Image = "web:1" })
	render := func() string {
		document, err := yaml.Marshal(desired.Objects(a, keys, desired.Images{TaskAPI: "operator:1"}, closed))
		if err != nil {
			t.Fatal(err)
		}
		return string(document)
	}
	first := render()
	for range 20 {
		if render() != first {
			t.Fatal("the same app stands for different objects")
		}
	}
}

// TestNames: names fit where Services and labels carry them, and two apps never share one.
func TestNames(t *testing.T) {
	long := strings.Repeat("a", 62)
	seen := map[string]string{}
	for _, name := range []string{"todo", long + "b", long + "c"} {
		a := app(func(a *todov1.TodoApp) { a.Name = name })
		for _, child := range []string{
			desired.Keyring(a), desired.FrontendSecret(a), desired.BackendSecret(a),
			desired.Frontend(a), desired.Backend(a), desired.Data(a),
		} {
			if len(child) > 63 {
				t.Errorf("%s has %d characters", child, len(child))
			}
			if other, taken := seen[child]; taken {
				t.Errorf("%s belongs to %s and %s", child, other, name)
			}
			seen[child] = name
		}
	}
	if got := desired.Backend(app(func(*todov1.TodoApp) {})); got != "todo-backend" {
		t.Errorf("a short name was changed to %s", got)
	}
}

func quantity(s string) resource.Quantity { return resource.MustParse(s) }
