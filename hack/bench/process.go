package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	owner  = "user_01HZX3YQ2M5V7"
	secret = "a-secret-for-the-benchmark-0123456789012345"
)

// process is one side under test.
type process struct {
	address string
	command *exec.Cmd
}

func startAPI(o options) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	command := exec.Command(o.binary, "api", "--listen="+address, "--ops-listen=127.0.0.1:0",
		"--issuer=nextjs-frontend", "--audience=fastapi-backend")
	command.Env = append(os.Environ(), "BETTER_AUTH_SECRETS=2:"+secret+",1:older-"+secret, "TASKAPI_DATABASE_URL="+o.database)
	return start(command, address)
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
	return start(exec.Command(self, "-floor="+address, "-database="+o.database), address)
}

// start runs a command until it says that it is ready.
func start(command *exec.Cmd, address string) (*process, error) {
	var log bytes.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting: %w", err)
	}
	p := &process{address, command}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if response, err := http.Get("http://" + address + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return p, nil
			}
		}
	}
	p.stop()
	return nil, fmt.Errorf("%s is not ready: %s", command.Path, log.String())
}

func (p *process) stop() {
	_ = p.command.Process.Signal(os.Interrupt)
	_ = p.command.Wait()
}

// resident reads a size of the process in MiB: VmRSS is now, VmHWM is the most so far.
func (p *process) resident(name string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			kibibytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kibibytes / 1024, err
		}
	}
	return 0, fmt.Errorf("no %s", name)
}

// cpu is the processor time that the process has used, in the kernel as well.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The fields are counted from the end of the name, which may hold spaces. Linux shows ticks of 10 ms.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(errUser, errSystem)
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// token is what a frontend mints: 15 minutes are longer than a run takes.
func token() string {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": owner, "iss": "nextjs-frontend", "aud": "fastapi-backend", "iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(),
	})
	token.Header["kid"] = "2"
	signed, err := token.SignedString([]byte(secret))
	if err != nil {
		panic(err) // cannot be: the key is of the right type
	}
	return signed
}
