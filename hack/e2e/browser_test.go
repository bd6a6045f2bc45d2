//go:build e2e

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/childprocess"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	frontendImage = "todoapp-frontend:dev"
	// screenshots is the folder for the screenshots of the last run, with a folder for each script.
	screenshots = "../../bin/browser"
)

// TestBrowser drives the reference frontend in a real browser, through an Ingress with one host, while the key is
// rotated and then revoked. Users must notice nothing until the revocation.
func TestBrowser(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	address, host := e.ingress(reachOfThisMachine()), e.namespace+".localhost"
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	url := "http://" + net.JoinHostPort(host, port)
	buildFrontend(t)
	e.secret("users", "DATABASE_URL", databaseURL(t))
	app := e.apply("todo", `{auth: {tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}},
		frontend: {image: "`+frontendImage+`", replicas: 2, url: "`+url+`",
			database: {urlSecretRef: {name: users, key: DATABASE_URL}}},
		backend: {storage: {sqlite: {reclaimPolicy: Delete}}}, ingress: {host: `+host+`}}`)
	e.awaitReady(app)
	e.await("frontend and API behind the Ingress", stepWithin, func() error {
		return errors.Join(e.answers(address, host, "/readyz", http.StatusOK),
			e.answers(address, host, "/api/ada/tasks", http.StatusUnauthorized))
	})

	e.runsReadOnly(app)
	keys := map[keyring.Value]bool{}
	remember := func() {
		ring, err := e.ring(app)
		must(t, err)
		for _, k := range ring.Keys {
			keys[k.Value] = true
		}
	}

	b := e.startBrowser("browser", url)
	b.await("ready for a rotation")
	remember()
	version := e.newest(app).Version + 1
	e.change(app, func(spec *todov1.RotationSpec) { spec.RotateAfter = new(metav1.Now()) })
	(&runningApps{environment: e, users: []*user{{app: app}}}).reach(retired, []int64{version})
	e.awaitCondition(app, todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
	b.tell("rotated")
	b.await("ready for a revocation")
	remember()
	e.change(app, func(spec *todov1.RotationSpec) { spec.RevokeBefore = new(metav1.Now()) })
	e.awaitCondition(app, todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
	b.tell("revoked")
	b.await("ready for the keys")
	remember()
	if len(keys) < 3 {
		t.Fatalf("%d keys in a rotation and a revocation", len(keys))
	}
	b.tell("keys " + joined(keys)) // the process does not log its input
	b.await("done")
}

func joined(keys map[keyring.Value]bool) string {
	var values []string
	for value := range keys {
		values = append(values, string(value))
	}
	return strings.Join(values, ",")
}

// runsReadOnly runs the reference frontend like the app's pods, but with a read-only root file system. The operator
// cannot require that of every image; the documentation of this image promises it.
func (e *environment) runsReadOnly(app *todov1.TodoApp) {
	e.Helper()
	get := func(path string) *corev1.Probe {
		return &corev1.Probe{PeriodSeconds: 1, FailureThreshold: 60, ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(3000)}}}
	}
	const name = "read-only"
	must(e, cluster.Create(e.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: "frontend", Image: frontendImage,
				EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: desired.FrontendSecret(app)}}}},
				Env: []corev1.EnvVar{{Name: "DATABASE_URL", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: "users"}, Key: "DATABASE_URL"}}}},
				SecurityContext: &corev1.SecurityContext{ReadOnlyRootFilesystem: new(true), AllowPrivilegeEscalation: new(false),
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
				StartupProbe:   get("/readyz"), // succeeds if the database can be reached
				ReadinessProbe: get("/login"),  // renders a page
			}},
		},
	}))
	e.await("the frontend to serve from a read-only file system", startWithin, func() error {
		var pod corev1.Pod
		e.get(&pod, name)
		if !podReady(&pod) {
			return fmt.Errorf("the pod is %s: %+v", pod.Status.Phase, pod.Status.ContainerStatuses)
		}
		return nil
	})
}

// startBrowser runs a script of examples/frontend/tests against a URL.
func (e *environment) startBrowser(script, url string) *process {
	e.Helper()
	return e.start(exec.Command("../../examples/frontend/browse.sh", script, url, filepath.Join(screenshots, script)))
}

// process is a program on this machine that reports progress line by line and reads commands. It ends with the test.
type process struct {
	*environment
	in    io.Writer
	lines *bufio.Scanner
}

func (e *environment) start(command *exec.Cmd) *process {
	e.Helper()
	in, err := command.StdinPipe()
	must(e, err)
	out, err := command.StdoutPipe()
	must(e, err)
	command.Stderr = command.Stdout
	// The program runs in its own process group, so that its children end with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(e, childprocess.Start(command))
	e.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
	})
	return &process{e, in, bufio.NewScanner(out)}
}

// await reads lines until one contains the text, and returns it.
func (p *process) await(what string) string {
	p.Helper()
	for p.lines.Scan() {
		line := p.lines.Text()
		p.Log(line)
		if strings.Contains(line, what) {
			return line
		}
	}
	p.Fatalf("it ended before it said %q: %v", what, p.lines.Err())
	return ""
}

func (p *process) tell(what string) {
	p.Helper()
	_, err := fmt.Fprintln(p.in, what)
	must(p, err)
}
