package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	upWithin   = 5 * time.Minute
	downWithin = time.Minute
)

var errNotRunning = errors.New("the cluster is not running")

// up starts a supervisor, unless one runs, and prints its output until the cluster is ready. If it is interrupted, it
// stops the supervisor that it started.
func (l layout) up(ctx context.Context, kubeconfig string, audit bool) error {
	held, err := openLock(l.Lock)
	if err != nil {
		return err
	}
	defer held.close()
	owner, err := held.holder(alive)
	if err != nil {
		return err
	}
	if owner == 0 {
		err = l.launch(ctx, held, audit)
	}
	if err == nil {
		err = l.follow(ctx, held)
	}
	if owner == 0 && ctx.Err() != nil {
		fmt.Println("\ninterrupted: taking the cluster down")
		return errors.Join(ctx.Err(), l.down(context.WithoutCancel(ctx), kubeconfig))
	}
	if err != nil {
		return err
	}
	return l.writeKubeconfig(kubeconfig)
}

// launch installs missing packages and starts a supervisor.
func (l layout) launch(ctx context.Context, held lock, audit bool) error {
	if err := l.provision(ctx); err != nil {
		return err
	}
	if err := held.file.Truncate(0); err != nil { // the output of an earlier supervisor
		return err
	}
	return l.spawn(ctx, held, audit)
}

// provision installs the packages that the machine lacks.
func (l layout) provision(ctx context.Context) error {
	packages := l.missing()
	if len(packages) == 0 {
		return nil
	}
	started := time.Now()
	fmt.Printf("%-56s", "installing Debian packages")
	if err := install(ctx, packages); err != nil {
		return fmt.Errorf("installing packages: %w", err)
	}
	fmt.Printf("%6.1f s\n", time.Since(started).Seconds())
	return nil
}

// spawn starts the supervisor in its own session, and returns when it or another supervisor has the lock.
func (l layout) spawn(ctx context.Context, held lock, audit bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-bin="+l.Bin, fmt.Sprintf("-audit=%t", audit), "supervise")
	cmd.Stdout, cmd.Stderr = held.file, held.file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting supervisor: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // follow prints its output from the file
		close(ended)
	}()
	return await(ctx, answerWithin, "the supervisor", func(context.Context) error {
		owner, err := held.holder(alive)
		if err != nil || owner != 0 {
			return err
		}
		select {
		case <-ended:
			return nil
		default:
			return errNotRunning
		}
	})
}

// follow prints the supervisor's output until the cluster is ready.
func (l layout) follow(ctx context.Context, held lock) error {
	said, err := os.Open(l.Lock)
	if err != nil {
		return err
	}
	defer func() { _ = said.Close() }()
	ctx, cancel := context.WithTimeout(ctx, upWithin)
	defer cancel()
	if found, err := held.holder(ready); err == nil && found != 0 {
		fmt.Println("the cluster is running already")
		return nil
	}
	for {
		isReady, readyErr := held.holder(ready)
		owner, err := held.holder(alive)
		if err := errors.Join(err, readyErr); err != nil {
			return err
		}
		if _, err := io.Copy(os.Stdout, said); err != nil {
			return err
		}
		if isReady != 0 {
			return nil
		}
		if owner == 0 {
			return errNotRunning
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// down stops the supervisor, or cleans up after one that crashed.
func (l layout) down(ctx context.Context, kubeconfig string) error {
	held, err := openLock(l.Lock)
	if err != nil {
		return err
	}
	owner, err := held.holder(alive)
	if err != nil {
		return err
	}
	if owner != 0 {
		if err := syscall.Kill(owner, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping supervisor: %w", err)
		}
	}
	err = await(ctx, downWithin, "the supervisor to end", func(context.Context) error {
		taken, err := held.take(alive)
		if err == nil && !taken {
			err = errors.New("it is still cleaning up")
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Remove(kubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return l.sweep(ctx)
}

// status prints the pid of the supervisor. It returns an error if the cluster is not usable.
func (l layout) status() (string, error) {
	held, err := openLock(l.Lock)
	if err != nil {
		return "", err
	}
	defer held.close()
	isReady, err := held.holder(ready)
	if err != nil {
		return "", err
	}
	if isReady != 0 {
		return fmt.Sprintf("ready, supervised by process %d, logs in %s", isReady, l.logs()), nil
	}
	owner, err := held.holder(alive)
	if err != nil {
		return "", err
	}
	if owner != 0 {
		return "", fmt.Errorf("the cluster is starting or stopping, supervised by process %d", owner)
	}
	if _, err := os.Stat(l.State); err == nil {
		return "", fmt.Errorf("%w, but left things behind: \"up\" and \"down\" both clean up", errNotRunning)
	}
	return "", errNotRunning
}

func (l layout) writeKubeconfig(path string) error {
	content, err := os.ReadFile(l.admin())
	if err != nil {
		return fmt.Errorf("reading kubeconfig: %w", err)
	}
	if err := writeFile(path, content); err != nil {
		return fmt.Errorf("writing kubeconfig: %w", err)
	}
	path, err = filepath.Abs(path)
	fmt.Println("export KUBECONFIG=" + path)
	return err
}
