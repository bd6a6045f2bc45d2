package pgtest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/todoapp-operator/todoapp-operator/internal/childprocess"
)

// daemon is a server process in the foreground. It is killed when the test binary ends, however that ends.
type daemon struct {
	process *os.Process
	ended   chan struct{}
}

// start starts the command and waits until its log says that it is ready.
func (d *daemon) start(command *exec.Cmd, ready string) error {
	log, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := childprocess.Start(command); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = command.Process.Wait()
		close(ended)
	}()
	d.process, d.ended = command.Process, ended
	var seen strings.Builder
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		fmt.Fprintln(&seen, lines.Text())
		if strings.Contains(lines.Text(), ready) {
			go func() { _, _ = io.Copy(io.Discard, log); _ = log.Close() }()
			return nil
		}
	}
	d.Kill()
	return fmt.Errorf("%s ended before it was ready:\n%s", filepath.Base(command.Path), seen.String())
}

// Kill ends the process and its children with SIGKILL and waits until they are gone.
func (d *daemon) Kill() {
	if d.process == nil {
		return
	}
	// Without their parent the children become this process's, which thus can wait for them.
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	orphans := children(d.process.Pid)
	_ = d.process.Kill()
	<-d.ended
	for _, pid := range orphans {
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, nil, 0, nil)
	}
	d.process = nil
}

// Stop asks the process to end at once, which it does after its children.
func (d *daemon) Stop() {
	if d.process == nil {
		return
	}
	_ = d.process.Signal(unix.SIGQUIT)
	<-d.ended
	d.process = nil
}

// children lists the processes whose parent is pid.
func children(pid int) []int {
	var found []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range tasks {
		list, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(list)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}
