//go:build cluster

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cluster runs the command as a user would.
type cluster struct {
	t          *testing.T
	layout     layout
	kubeconfig string
	starting   *exec.Cmd
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	bin, err := filepath.Abs(filepath.Join(repository, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, layout: newLayout(bin), kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	if said, err := c.run("status"); err == nil {
		t.Fatalf("a cluster is running, take it down first: %s", said)
	}
	t.Cleanup(func() { c.must("down") })
	return c
}

// in returns the cluster for a subtest.
func (c *cluster) in(t *testing.T) *cluster {
	part := *c
	part.t = t
	return &part
}

func (c *cluster) command(args ...string) *exec.Cmd {
	flags := []string{"-bin=" + c.layout.Bin, "-kubeconfig=" + c.kubeconfig}
	return exec.Command(filepath.Join(c.layout.Bin, "cluster", "cluster"), append(flags, args...)...)
}

func (c *cluster) run(args ...string) (string, error) {
	out, err := c.command(args...).CombinedOutput()
	return string(out), err
}

func (c *cluster) must(args ...string) string {
	c.t.Helper()
	started := time.Now()
	said, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, said)
	}
	c.t.Logf("%s took %.1f s", args[0], time.Since(started).Seconds())
	return said
}

func (c *cluster) kubectl(args ...string) string {
	c.t.Helper()
	args = append([]string{"--kubeconfig=" + c.kubeconfig}, args...)
	said, err := output(context.Background(), c.layout.kubernetes("kubectl"), args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return said
}

// deployProbe builds the probe's image, loads it and runs it.
func (c *cluster) deployProbe() {
	c.t.Helper()
	dir := c.t.TempDir()
	binary, archive := filepath.Join(dir, "probe"), filepath.Join(dir, "probe.tar")
	build := exec.Command("go", "build", "-o", binary, "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		c.t.Fatalf("building probe: %v\n%s", err, out)
	}
	c.must("image", "-binary", binary, "-tag", "probe:test", "-out", archive)
	c.must("load", archive)
	c.kubectl("apply", "-f", "testdata/probe.yaml")
	c.kubectl("-n", "probe", "rollout", "status", "deployment/probe", "--timeout=60s")
}

// deleteProbe deletes the probe, and fails unless the volume and its data go with the claim.
func (c *cluster) deleteProbe() {
	c.t.Helper()
	c.kubectl("delete", "namespace", "probe", "--timeout=60s")
	c.kubectl("wait", "--for=delete", "persistentvolume", "--all", "--timeout=30s")
	if left, err := os.ReadDir(c.layout.volumes()); err != nil || len(left) > 0 {
		c.t.Errorf("volumes left: %v, %v", left, err)
	}
}

func (c *cluster) ask(url string) string {
	c.t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(body))
}

// killSupervisor sends SIGKILL to the process that holds the offset of the lock.
func (c *cluster) killSupervisor(offset int64) {
	c.t.Helper()
	held, err := openLock(c.layout.Lock)
	if err != nil {
		c.t.Fatal(err)
	}
	defer held.close()
	owner, err := held.holder(offset)
	if err != nil || owner == 0 {
		c.t.Fatalf("no supervisor: %v", err)
	}
	if err := syscall.Kill(owner, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	c.await("the supervisor to be gone", func() error {
		if owner, err := held.holder(alive); err != nil || owner != 0 {
			return fmt.Errorf("held by %d: %w", owner, err)
		}
		return nil
	})
}

// startUntil begins an up and returns when it has reached the step, with a function that waits for its end.
func (c *cluster) startUntil(step string) (wait func() error) {
	c.t.Helper()
	if err := os.Truncate(c.layout.Lock, 0); err != nil {
		c.t.Fatal(err)
	}
	c.starting = c.command("up")
	if err := c.starting.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.await(step, func() error {
		said, err := os.ReadFile(c.layout.Lock)
		if err == nil && !strings.Contains(string(said), step) {
			err = fmt.Errorf("it is at %q", said)
		}
		return err
	})
	return c.starting.Wait
}

func (c *cluster) interrupt() {
	if err := c.starting.Process.Signal(os.Interrupt); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) await(what string, check func() error) {
	c.t.Helper()
	err := await(context.Background(), time.Minute, what, func(context.Context) error { return check() })
	if err != nil {
		c.t.Fatal(err)
	}
}
