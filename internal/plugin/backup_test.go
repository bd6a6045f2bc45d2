package plugin

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func TestBackupMistakes(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", "{}", stableStatus)
	newApp(t, namespace, "own", "{backend: {image: mine}}", "")
	newApp(t, namespace, "sql", "{backend: {storage: {postgres: {urlSecretRef: {name: db, key: url}}}}}", "")
	run(t, namespace, "", "backup", "shop").want(t, exitFailed, "no pod of the backend is ready")
	run(t, namespace, "", "backup", "own").want(t, exitFailed, "an image of your own")
	run(t, namespace, "", "backup", "sql").want(t, exitFailed, "stores its tasks in PostgreSQL: use pg_dump")

	file := filepath.Join(t.TempDir(), "tasks.db")
	run(t, namespace, "", "backup", "shop", "-f", file).want(t, exitFailed, "no pod")
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) > 0 {
		t.Errorf("a backup that failed left %v, %v", left, err)
	}
	if err := os.WriteFile(file, []byte("no database at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, namespace, "", "backup", "shop", "-f", file).want(t, exitFailed, "exists: choose another name")
	run(t, namespace, "", "restore", "shop", file).want(t, exitFailed, "is no SQLite file: nothing was changed")
	run(t, namespace, "", "restore", "shop").want(t, exitUsage, "name one TodoApp and the file")
}

func TestRestoreAsksAndStartsTheBackendAgain(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", "{}", stableStatus)
	file := filepath.Join(t.TempDir(), "tasks.db")
	if err := os.WriteFile(file, []byte(sqliteMagic+"the rest"), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := corev1.PodSpec{Containers: []corev1.Container{{Name: "backend", Image: "x"}}}
	labels := map[string]string{"app": "shop"}
	create(t, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop-backend"},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod}}})
	run(t, namespace, "no\n", "restore", "shop", file).want(t, exitFailed, "the answer is not the name")
	// Nothing starts pods here, so the restore ends by its timeout.
	run(t, namespace, "", "restore", "shop", file, "--yes", "--timeout", "2s").want(t, exitFailed,
		"stopping the backend", "did not start in time", "starting the backend")
	if replicas := stored(t, app).Spec.Backend.Replicas; replicas == nil || *replicas != 1 {
		t.Errorf("the backend has %v replicas", replicas)
	}
	var pods corev1.PodList
	if err := server.List(t.Context(), &pods); err != nil {
		t.Fatal(err)
	}
	for _, left := range pods.Items {
		if left.Namespace == namespace {
			t.Errorf("pod %s is left", left.Name)
		}
	}
}

func TestRestoreOfAPausedAppChangesNothing(t *testing.T) {
	namespace := newNamespace(t)
	app := newApp(t, namespace, "shop", "{}", stableStatus)
	app.Annotations = map[string]string{todov1.AnnotationPaused: "true"}
	if err := server.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	run(t, namespace, "", "restore", "shop", "tasks.db", "--yes").want(t, exitFailed, "is paused", "kubectl todoapp resume shop -n ")
	if now := stored(t, app); now.Generation != app.Generation {
		t.Errorf("the spec has changed: %+v", now.Spec.Backend)
	}
}

func TestRestorePodIsNoPodOfTheApp(t *testing.T) {
	deployment := &appsv1.Deployment{}
	deployment.Spec.Template.Labels = map[string]string{todov1.LabelApp: "shop"}
	deployment.Spec.Template.Spec = corev1.PodSpec{Containers: []corev1.Container{{
		Image: "operator:1", Args: []string{"api", "--listen=:8000"}, ReadinessProbe: &corev1.Probe{},
		VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}}}}
	pod := restorePod(appOf(t, "{}", "{}"), deployment)
	container := pod.Spec.Containers[0]
	if len(pod.Labels) > 0 || container.Image != "operator:1" || strings.Join(container.Args, " ") != "api restore -" ||
		!container.StdinOnce || container.ReadinessProbe != nil || len(container.VolumeMounts) != 1 {
		t.Errorf("the pod is %+v", pod)
	}
	if deployment.Spec.Template.Spec.Containers[0].Args[1] != "--listen=:8000" {
		t.Error("the Deployment is changed")
	}
}

func TestBytesAreCounted(t *testing.T) {
	var to, head bytes.Buffer
	n := &counter{Reader: strings.NewReader("SQLite and more"), Writer: io.MultiWriter(&to, &limited{&head, 6})}
	_, err := io.Copy(n, n.Reader)
	if err != nil || to.String() != "SQLite and more" || head.String() != "SQLite" || n.bytes.Load() != 15 {
		t.Errorf("%q, %q, %d, %v", to.String(), head.String(), n.bytes.Load(), err)
	}
	for bytes, text := range map[int64]string{100: "0.1 KiB", 5 << 20: "5.0 MiB", 3 << 30: "3.0 GiB"} {
		if size(bytes) != text {
			t.Errorf("%d bytes are %s, expected %s", bytes, size(bytes), text)
		}
	}
}

func TestBackupTranscripts(t *testing.T) {
	golden(t, "backup", "backup shop > tasks.db", backedUpText(appOf(t, "{}", "{}"), 24<<10)+"\n")
	golden(t, "restore", "restore shop tasks.db --yes",
		restoreNotice("shop", "tasks.db")+stoppingText+restoredText(24<<10)+startingText)
}
