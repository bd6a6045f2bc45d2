package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/procfs"
)

const (
	owner  = "user_01HZX3YQ2M5V7"
	secret = "a-secret-for-the-benchmark-0123456789012345"

	issuer   = "nextjs-frontend"
	audience = "fastapi-backend"
)

// process is one side under test.
type process struct {
	name    string
	address string
	// tasks is the path of the owner's tasks.
	tasks   string
	command *exec.Cmd
	// bearer is the token in requests that write.
	bearer string
}

// paths of the owner's tasks, for clients with a token and at the floor.
const (
	ownTasks   = "/api/" + owner + "/tasks"
	floorTasks = "/tasks"
)

func startAPI(o options) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	arguments := []string{o.binary, "api", "--listen=" + address, "--ops-listen=127.0.0.1:0",
		"--issuer=" + issuer, "--audience=" + audience}
	if o.syncDelay > 0 {
		arguments = append(delayed(o.syncDelay), arguments...)
	}
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Env = append(os.Environ(), "BETTER_AUTH_SECRETS=2:"+secret+",1:older-"+secret, "TASKAPI_DATABASE_URL="+o.database)
	return (&process{name: "API", address: address, tasks: ownTasks, command: command}).start()
}

// delayed returns the command that delays each sync of the disk in the program that it starts. The program is its own
// process, and no child of the tracer, so that it can be measured and stopped.
func delayed(by time.Duration) []string {
	return []string{"strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync",
		"-e", fmt.Sprintf("inject=fdatasync:delay_enter=%d", by.Microseconds()), "--"}
}

func startFloor(o options) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self, "-floor="+address, "-database="+o.database)
	return (&process{name: "floor", address: address, tasks: floorTasks, command: command}).start()
}

// start starts the command and waits until it is ready.
func (p *process) start() (*process, error) {
	var log bytes.Buffer
	p.command.Stderr, p.bearer = &log, token()
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		if response, err := http.Get("http://" + p.address + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return p, nil
			}
		}
	}
	return nil, errors.Join(fmt.Errorf("%s is not ready: %s", p.name, log.String()), p.stop())
}

// stop asks the process to end, and kills it after ten seconds.
func (p *process) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	kill := time.AfterFunc(10*time.Second, func() { _ = p.command.Process.Kill() })
	defer kill.Stop()
	_ = p.command.Wait() // the exit code is not measured
	return nil
}

// resident returns the memory of the process in MiB, now and at its peak.
func (p *process) resident() (now, peak float64, err error) {
	proc, err := procfs.NewProc(p.command.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	status, err := proc.NewStatus()
	return float64(status.VmRSS) / (1 << 20), float64(status.VmHWM) / (1 << 20), err
}

// cpu returns the processor time in seconds that the process has used, including time in the kernel.
func (p *process) cpu() (float64, error) {
	proc, err := procfs.NewProc(p.command.Process.Pid)
	if err != nil {
		return 0, err
	}
	stat, err := proc.Stat()
	return stat.CPUTime(), err
}

// idle returns the idle time of the machine's processors in seconds, summed up over all processors.
func idle() (float64, error) {
	machine, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, err
	}
	stat, err := machine.Stat()
	return stat.CPUTotal.Idle, err
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// token returns a token of the owner.
func token() string { return tokenOf(owner) }

// tokenOf signs a token as a frontend does. It is good for an hour, which is longer than a run takes.
func tokenOf(subject string) string {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": subject, "iss": issuer, "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	token.Header["kid"] = "2"
	signed, err := token.SignedString([]byte(secret))
	if err != nil {
		panic(err) // cannot be: the key is of the right type
	}
	return signed
}
