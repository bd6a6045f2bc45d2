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
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	frontendImage = "todoapp-frontend:dev"
	// screenshots of the last run are kept here.
	screenshots = "../../bin/browser"
)

// What people notice of all this: nothing, until a revocation. They use the reference frontend in a real browser, which
// reaches both sides through an Ingress under one host, while the key is rotated and then revoked.
func TestBrowser(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	address, host := s.ingress(), s.namespace+".localhost"
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	url := "http://" + net.JoinHostPort(host, port)
	if output, err := exec.CommandContext(t.Context(), "../frontend/image", frontendImage).CombinedOutput(); err != nil {
		t.Fatalf("building the frontend's image: %v\n%s", err, output)
	}
	s.secret("users", "DATABASE_URL", databaseURL(t))
	app := s.apply("todo", `{auth: {tokens: {maxLifetime: 1m, leeway: 0s, issuer: nextjs-frontend, audience: fastapi-backend}},
		frontend: {image: "`+frontendImage+`", replicas: 2, url: "`+url+`",
			database: {urlSecretRef: {name: users, key: DATABASE_URL}}},
		backend: {storage: {sqlite: {reclaimPolicy: Delete}}}, ingress: {host: `+host+`}}`)
	s.awaitReady(app)
	s.await("both sides behind the Ingress", stepWithin, func() error {
		return errors.Join(s.answers(address, host, "/readyz", http.StatusOK),
			s.answers(address, host, "/api/ada/tasks", http.StatusUnauthorized))
	})

	b := s.startBrowser(url)
	b.await("ready for a rotation")
	version := s.newest(app).Version + 1
	s.change(app, func(spec *todov1.RotationSpec) { spec.RotateAfter = new(metav1.Now()) })
	(&rig{stage: s, users: []*user{{app: app}}}).reach(retired, []int64{version})
	s.awaitCondition(app, todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
	b.tell("rotated")
	b.await("ready for a revocation")
	s.change(app, func(spec *todov1.RotationSpec) { spec.RevokeBefore = new(metav1.Now()) })
	s.awaitCondition(app, todov1.ConditionRotationComplete, metav1.ConditionTrue, todov1.ReasonComplete)
	b.tell("revoked")
	b.await("done")
}

// startBrowser uses an app as hack/frontend/tests/browser.ts tells.
func (s *stage) startBrowser(url string) *process {
	s.Helper()
	return s.start(exec.Command("../frontend/browse", url, screenshots))
}

// process is a program on this machine that tells what it does, line by line, and is told things. It ends with the test.
type process struct {
	*stage
	in    io.Writer
	lines *bufio.Scanner
}

func (s *stage) start(command *exec.Cmd) *process {
	s.Helper()
	in, err := command.StdinPipe()
	must(s, err)
	out, err := command.StdoutPipe()
	must(s, err)
	command.Stderr = command.Stdout
	// It may start further programs, which end with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	must(s, command.Start())
	s.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
	})
	return &process{s, in, bufio.NewScanner(out)}
}

// await reads on until a line says so, and returns it.
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
