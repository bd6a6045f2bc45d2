package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// marker is in the environment of every process of the cluster, and of their children. It identifies them after a
// crash, even if the kernel has given a recorded pid to another process since.
const marker = "TODOAPP_CLUSTER_PROCESS=1"

// sparing sets GOGC so that Go programs use more memory and less CPU: the machine has enough memory, and pods need its
// two processors.
const sparing = "GOGC=400"

const (
	pollEvery    = 100 * time.Millisecond
	restartAfter = time.Second
	stopWithin   = 3 * time.Second
)

// process keeps a component running until its context ends.
type process struct {
	component
	log  string
	ends atomic.Int32 // counts how often it ended by itself
	done chan struct{}
}

func start(ctx context.Context, c component, logs string) *process {
	p := &process{component: c, log: filepath.Join(logs, c.name+".log"), done: make(chan struct{})}
	go p.keepRunning(ctx)
	return p
}

func (p *process) keepRunning(ctx context.Context) {
	defer close(p.done)
	for ctx.Err() == nil {
		if err := p.run(ctx); err != nil && ctx.Err() == nil {
			p.ends.Add(1)
			_ = appendLine(p.log, fmt.Sprintf("%s ended: %v", p.name, err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(restartAfter):
		}
	}
}

// run starts the component once and returns when it has ended. The component leads a process group, so that Ctrl-C
// reaches only the supervisor.
func (p *process) run(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Env = append(os.Environ(), marker, sparing)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	if err := cmd.Run(); err != nil {
		return err
	}
	return fmt.Errorf("without being told to")
}

// await polls until the check passes. If the process ends first, it returns an error with the end of its log.
func await(ctx context.Context, limit time.Duration, what string, check func(context.Context) error, needs ...*process) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		for _, p := range needs {
			if p.ends.Load() > 0 {
				return fmt.Errorf("%s ended while starting; its last words:\n%s", p.name, tail(p.log, 8))
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (after %s: %w)", what, context.Cause(ctx), limit, err)
		case <-tick.C:
		}
	}
}

// tail returns the last lines of a log.
func tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func appendLine(path, line string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, line)
	return errors.Join(err, file.Close())
}
