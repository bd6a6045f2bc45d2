package plugin

import (
	"archive/zip"
	"encoding/base64"
	"io"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// unzipped returns the files of an archive.
func unzipped(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	files := map[string]string{}
	for _, entry := range archive.File {
		file, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name] = string(text)
	}
	return files
}

// plant creates an app with a marker in every Secret, variable, annotation and argument, and in messages that repeat a secret.
func plant(t *testing.T, namespace string) {
	t.Helper()
	app := newApp(t, namespace, "shop", `
frontend: {image: web, env: [{name: TOKEN, value: MARKER-of-the-spec-1}]}
backend: {storage: {postgres: {urlSecretRef: {name: db, key: url}}}}`, "")
	key := "MARKER-key-0123456789012345678901234567890"
	phrase := `it's MARKER: a "passphrase" of several words, with \ and quotes, that is longer than a line of YAML`
	for name, data := range map[string]map[string]string{
		"shop-frontend-auth": {"BETTER_AUTH_SECRET": key, "BETTER_AUTH_SECRETS": "2:" + key + ",1:MARKER-older-key-01234567890123456789"},
		"shop-keyring": {"keyring.json": `[{"version":1,"value":"` + key +
			`","createdAt":"2026-11-26T10:00:00Z","promotedAt":"2026-11-26T10:00:00Z"}]`},
		"db":    {"url": "postgres://tasks:MARKER-password-7@db.example/tasks"},
		"words": {"phrase": phrase},
		"file":  {"config": "user: me\npassword: MARKER-in-a-file-12345\n", "short": "MARK"},
	} {
		create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name,
			Labels:      map[string]string{todov1.LabelApp: "shop"},
			Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"data":"MARKER-applied-1"}`}},
			StringData: data})
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop-frontend-0", Labels: map[string]string{todov1.LabelApp: "shop"},
			Annotations: map[string]string{"example.com/note": "MARKER-annotation-1"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web", Args: []string{"--password=MARKER-argument-1"},
			Command: []string{"sh", "-c", "MARKER-command-1"}, Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "MARKER-variable-1"}},
			LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(1),
				HTTPHeaders: []corev1.HTTPHeader{{Name: "Authorization", Value: "Basic MARKER-header-1"}}}}}}}},
	}
	create(t, pod)
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", LastTerminationState: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: "a line of a log: MARKER-of-a-log-1"}}}}
	if err := server.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	create(t, &eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop-1"},
		Regarding: corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: "shop-frontend-0"},
		EventTime: metav1.NowMicro(), ReportingController: "test/x", ReportingInstance: "x", Action: "Start", Reason: "Failed",
		Type: "Warning", Note: "cannot use MARKER-variable-1 nor MARKER-in-a-file-12345: " + phrase})
	setStatus(t, app, `
conditions:
- {type: Ready, status: "False", reason: NotReady, message: "connecting to postgres://tasks:MARKER-password-7@db.example failed",
   lastTransitionTime: "2026-11-26T11:00:00Z"}`)
}

func TestReportLeaksNothing(t *testing.T) {
	namespace := newNamespace(t)
	plant(t, namespace)
	path := filepath.Join(t.TempDir(), "report.zip")
	got := run(t, namespace, "", "report", "shop", "-o", path)
	got.want(t, 0, "report.zip has", "Read it before you publish it")
	files := unzipped(t, path)
	for _, name := range []string{
		"app/todoapps.yaml", "app/secrets.yaml", "app/pods.yaml", "app/events.yaml", "doctor.yaml", "versions.txt",
	} {
		if len(files["report/"+name]) < 20 {
			t.Errorf("the report has no %s: %q", name, files["report/"+name])
		}
	}
	for name, text := range files {
		if i := strings.Index(text, "MARKER"); i >= 0 {
			t.Errorf("%s shows %s", name, text[max(i-80, 0):min(i+40, len(text))])
		}
		if encoded := base64.StdEncoding.EncodeToString([]byte("MARKER")); strings.Contains(text, encoded) {
			t.Errorf("%s shows a marker in base64", name)
		}
	}
	if text := files["report/app/secrets.yaml"]; !strings.Contains(text, "name: db") || !strings.Contains(text, "bytes, digest") {
		t.Errorf("the Secrets are\n%s", text)
	}
	run(t, namespace, "", "report", "shop", "-o", path).want(t, exitFailed, "exists: choose another name")
	run(t, namespace, "", "report", "shop").want(t, exitUsage, "-o FILE.zip is required")
	run(t, namespace, "", "report", "shop", "-o", "json").want(t, exitUsage, "-o names the archive to write here")
}

func TestReportWithoutRights(t *testing.T) {
	namespace := newNamespace(t)
	plant(t, namespace)
	bind(t, namespace, "rita", "todoapps", "pods")
	path := filepath.Join(t.TempDir(), "report.zip")
	run(t, namespace, "", "report", "shop", "-o", path, "--as", "rita").want(t, 0, "could not be read; errors.txt names them")
	files := unzipped(t, path)
	if text := files["report/errors.txt"]; !strings.Contains(text, "Secret of app: you may not list") {
		t.Errorf("errors.txt is\n%s", text)
	}
	if text := files["report/app/todoapps.yaml"]; strings.Contains(text, "MARKER-password") {
		t.Errorf("the TodoApps are\n%s", text)
	}
	if text := files["report/app/pods.yaml"]; strings.Contains(text, "MARKER") || !strings.Contains(text, "shop-frontend-0") {
		t.Errorf("the pods are\n%s", text)
	}
}

func TestReportOfLogs(t *testing.T) {
	r := newRedactor()
	r.learn("MARKER-secret-of-the-database")
	r.learn(`one "MARKER" of words`)
	const failing = `{"time":"2026-11-26T12:00:00Z","level":"ERROR","msg":"the task store fails"`
	log := r.log(failing + `,"error":"password MARKER-secret-of-the-database at postgres://a:MARKER@b"}
{"level":"INFO","msg":"request","path":"/api/MARKER/tasks","subject":"MARKER","status":200,"nested":{"title":"MARKER"}}
{"level":"ERROR","msg":"parse \"one \\\"MARKER\\\" of words\": invalid"}
MARKER without fields
panic: runtime error: index out of range
goroutine 1 [running]:
	/src/main.go:7 +0x1
`)
	if strings.Contains(log, "MARKER") {
		t.Errorf("the log shows a marker:\n%s", log)
	}
	for _, text := range []string{
		failing, `"status":200`, "a line without fields [21 bytes",
		"panic: runtime error: index out of range", "\t/src/main.go:7",
	} {
		if !strings.Contains(log, text) {
			t.Errorf("the log lacks %q:\n%s", text, log)
		}
	}
}

func TestReportTranscript(t *testing.T) {
	files := map[string]string{"app/todoapps.yaml": "", "app/secrets.yaml": "", "doctor.yaml": "", "versions.txt": "",
		"errors.txt": "Lease of operator: you may not list resource \"leases\"\n"}
	golden(t, "report", "report shop -o report.zip", reportText("report.zip", files))
}
