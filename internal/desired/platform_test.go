package desired_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// platform sets every field of the pods' template, and the probes.
func platform(a *todov1.TodoApp) {
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	a.Spec.Frontend.Database = &todov1.DatabaseSpec{URLSecretRef: ref("pg-app", "uri"),
		CARef: &todov1.CAReference{Kind: todov1.KindConfigMap, Name: "authorities", Key: "pg.pem"}}
	a.Spec.Backend.Storage.Postgres = &todov1.DatabaseSpec{URLSecretRef: ref("pg-app", "uri"),
		CARef: &todov1.CAReference{Name: "pg-ca"}}
	a.Spec.Frontend.Image = "registry.example.com/web:1.4"
	a.Spec.Frontend.Probes = &todov1.ProbesSpec{
		Readiness: &todov1.ProbeSpec{Path: "/readyz"},
		Liveness: &todov1.ProbeSpec{Path: "/healthz", Port: new(intstr.FromInt32(8081)),
			PeriodSeconds: 20, TimeoutSeconds: 2, FailureThreshold: 6},
		Startup: &todov1.ProbeSpec{FailureThreshold: 300},
	}
	a.Spec.Frontend.Template = todov1.PodTemplate{
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{
			{MaxSkew: 1, TopologyKey: "topology.kubernetes.io/zone", WhenUnsatisfiable: corev1.DoNotSchedule},
			{MaxSkew: 2, TopologyKey: "kubernetes.io/hostname", WhenUnsatisfiable: corev1.ScheduleAnyway,
				LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "web"}}},
		},
		PriorityClassName: "business", RuntimeClassName: "gvisor", TerminationGracePeriodSeconds: new(int64(60)),
		HostAliases: []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{"db.internal"}}},
		DNSPolicy:   corev1.DNSNone, DNSConfig: &corev1.PodDNSConfig{Nameservers: []string{"10.0.0.53"}},
		SecurityContext: &todov1.PodUser{RunAsUser: new(int64(1001)), RunAsGroup: new(int64(0)), FSGroup: new(int64(2000)),
			SupplementalGroups: []int64{3000}},
		ImagePullPolicy: corev1.PullAlways,
		Strategy:        &todov1.RollingStrategy{MaxSurge: new(intstr.FromInt32(0)), MaxUnavailable: new(intstr.FromString("25%"))},
		Volumes: []todov1.Volume{
			{Name: "cache", EmptyDir: &corev1.EmptyDirVolumeSource{}},
			{Name: "files", Projected: &todov1.ProjectedVolume{Sources: []todov1.ProjectedSource{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: named("settings")}}}}},
			{Name: "scratch", Ephemeral: &todov1.EphemeralVolume{VolumeClaimTemplate: todov1.VolumeClaimTemplate{
				Spec: todov1.VolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources: todov1.VolumeClaimResources{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}}}}}},
		},
		VolumeMounts: []todov1.VolumeMount{{Name: "cache", MountPath: "/app/.next/cache"},
			{Name: "files", MountPath: "/app/settings", ReadOnly: true}, {Name: "scratch", MountPath: "/scratch", SubPath: "web"}},
		EnvFrom: []corev1.EnvFromSource{{Prefix: "SMTP_", SecretRef: &corev1.SecretEnvSource{LocalObjectReference: named("smtp")}}},
	}
	a.Spec.Backend.Template.Annotations = map[string]string{"config.linkerd.io/skip-inbound-ports": "9090,8000"}
	a.Spec.Backend.Template.SecurityContext = &todov1.PodUser{RunAsUser: new(int64(15000))}
	a.Spec.Backend.Template.Volumes = []todov1.Volume{{Name: "tls", Secret: &corev1.SecretVolumeSource{SecretName: "tls"}}}
	a.Spec.Backend.Template.VolumeMounts = []todov1.VolumeMount{{Name: "tls", MountPath: "/etc/tls"}}
}

// TestPullSecretsOfTheOperator fails if a pod of the task API lacks a pull Secret of the operator or of its app, has one twice, or
// a pod of an app's own image has one of the operator.
func TestPullSecretsOfTheOperator(t *testing.T) {
	named := func(names ...string) func(*todov1.TodoApp) {
		return func(a *todov1.TodoApp) {
			a.Spec.Frontend.Image = "web"
			for _, name := range names {
				a.Spec.Backend.Template.ImagePullSecrets = append(a.Spec.Backend.Template.ImagePullSecrets,
					corev1.LocalObjectReference{Name: name})
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*todov1.TodoApp)
		own    []string
		want   string
	}{
		"none":               {named(), nil, ""},
		"of the app":         {named("a"), nil, "a"},
		"of the operator":    {named(), []string{"b", "c", "b"}, "b c"},
		"of both":            {named("c", "a"), []string{"b", "c"}, "c a b"},
		"without a name":     {named(""), []string{"b"}, " b"},
		"an image of an app": {func(a *todov1.TodoApp) { named("a")(a); a.Spec.Backend.Image = "api" }, []string{"b"}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			images := desired.Images{TaskAPI: "operator:1", PullSecrets: c.own}
			for _, object := range desired.Objects(app(c.change), keys, images, desired.Network{}) {
				d, ok := object.(*appsv1ac.DeploymentApplyConfiguration)
				if !ok {
					continue
				}
				var got []string
				for _, secret := range d.Spec.Template.Spec.ImagePullSecrets {
					got = append(got, ptr.Deref(secret.Name, ""))
				}
				want := c.want
				if *d.Name == "todo-frontend" {
					want = ""
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%s has the pull Secrets %q, expected %q", *d.Name, got, want)
				}
			}
		})
	}
}

// TestRevisionHistory fails if a Deployment does not have the operator's limit of old ReplicaSets, or has one without a setting.
func TestRevisionHistory(t *testing.T) {
	for _, limit := range []*int32{nil, new(int32), new(int32(3))} {
		deployments := 0
		for _, object := range desired.Objects(app(platform), keys, desired.Images{RevisionHistory: limit}, desired.Network{}) {
			if d, ok := object.(*appsv1ac.DeploymentApplyConfiguration); ok {
				deployments++
				if got := d.Spec.RevisionHistoryLimit; !ptr.Equal(got, limit) {
					t.Errorf("%s has the limit %v", *d.Name, got)
				}
			}
		}
		if deployments != 2 {
			t.Errorf("%d Deployments found", deployments)
		}
	}
}

// On a platform that chooses the users of pods, no pod of the operator names one, unless its app does.
func TestThePlatformChoosesTheUsers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*todov1.TodoApp)
		want   int64
	}{
		"the task API": {func(*todov1.TodoApp) {}, 0},
		"a backend on SQLite": {func(a *todov1.TodoApp) {
			a.Spec.Backend.Image, a.Spec.Backend.Storage.SQLite = "api", &todov1.SQLiteSpec{}
		}, 0},
		"an app that names a user": {platform, 15000},
	} {
		t.Run(name, func(t *testing.T) {
			images, found := desired.Images{TaskAPI: "operator:1", PlatformUsers: true}, false
			for _, object := range desired.Objects(app(c.change), keys, images, desired.Network{}) {
				d, ok := object.(*appsv1ac.DeploymentApplyConfiguration)
				if !ok || *d.Name != "todo-backend" {
					continue
				}
				pod := d.Spec.Template.Spec.SecurityContext
				found = true
				if got := ptr.Deref(pod.RunAsUser, 0); got != c.want || pod.RunAsGroup != nil || pod.FSGroup != nil || !*pod.RunAsNonRoot {
					t.Errorf("got %+v", pod)
				}
			}
			if !found {
				t.Error("there is no Deployment")
			}
		})
	}
}
