package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"github.com/todoapp-operator/todoapp-operator/internal/childprocess"
)

// stopWithin is how long a process may take to end after SIGTERM before it is killed.
const stopWithin = 15 * time.Second

// process runs a program, possibly several times in a row, and measures all runs together.
type process struct {
	name, path string
	args, env  []string
	// ready is the address that answers when the program is ready; empty if it has none.
	ready string
	// log is the file with the output of all runs.
	log     string
	command *exec.Cmd
	done    chan struct{}
	// used is the CPU time of the runs that ended, in seconds.
	used float64
}

// start starts the program. The kernel kills it if this process ends for any reason.
func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.name, err)
	}
	defer func() { _ = log.Close() }()
	command := exec.Command(p.path, p.args...)
	command.Env = append(os.Environ(), p.env...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := childprocess.Start(command); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	p.command, p.done = command, make(chan struct{})
	go func() {
		_ = command.Wait() // a killed process is no error here
		close(p.done)
	}()
	return nil
}

// running reports whether the program runs.
func (p *process) running() bool {
	if p == nil || p.command == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// stop ends the program, and kills it if it takes too long.
func (p *process) stop() { p.end(syscall.SIGTERM) }

// kill ends the program without a warning.
func (p *process) kill() { p.end(syscall.SIGKILL) }

func (p *process) end(with syscall.Signal) {
	if p == nil || p.command == nil {
		return
	}
	_ = p.command.Process.Signal(with)
	timer := time.AfterFunc(stopWithin, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	<-p.done
	p.settle()
}

// settle adds the CPU time of a run that has ended to that of the earlier runs.
func (p *process) settle() {
	state := p.command.ProcessState
	p.used += (state.UserTime() + state.SystemTime()).Seconds()
	p.command = nil
}

// stopRunning stops the program (SIGSTOP), and resume lets it continue.
func (p *process) stopRunning() { _ = p.command.Process.Signal(syscall.SIGSTOP) }
func (p *process) resume()      { _ = p.command.Process.Signal(syscall.SIGCONT) }

// cpu returns the CPU time of all runs in seconds, including time in the kernel.
func (p *process) cpu() float64 {
	if p == nil {
		return 0
	}
	if !p.running() {
		return p.used
	}
	proc, err := procfs.NewProc(p.command.Process.Pid)
	if err != nil {
		return p.used
	}
	stat, err := proc.Stat()
	if err != nil {
		return p.used
	}
	return p.used + stat.CPUTime()
}

// memory returns the resident memory of the present run in MiB, now and at its peak.
func (p *process) memory() (now, peak float64, err error) {
	if !p.running() {
		return 0, 0, fmt.Errorf("%s does not run: %s", p.name, p.tail())
	}
	proc, err := procfs.NewProc(p.command.Process.Pid)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the memory of %s: %w", p.name, err)
	}
	status, err := proc.NewStatus()
	return float64(status.VmRSS) / (1 << 20), float64(status.VmHWM) / (1 << 20), err
}

// tail returns the end of the log.
func (p *process) tail() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return filepath.Base(p.log) + ": " + strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// awaitReady polls until the check passes. It returns early if the process ends.
func (p *process) awaitReady(ctx context.Context, within time.Duration, check func(context.Context) error) error {
	err := poll(ctx, within, 50*time.Millisecond, func(ctx context.Context) error {
		if !p.running() {
			return fatal{fmt.Errorf("%s ended: %s", p.name, p.tail())}
		}
		return check(ctx)
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", p.name, err)
	}
	return nil
}

// fatal is an error that ends a poll.
type fatal struct{ error }

// poll calls a check until it passes, returns a fatal error, or the time is over. It returns the last error.
func poll(ctx context.Context, within, every time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil || errors.As(err, &fatal{}) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w after %s: %w", context.Cause(ctx), within, err)
		case <-tick.C:
		}
	}
}
