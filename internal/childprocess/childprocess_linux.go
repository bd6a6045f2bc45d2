// Package childprocess starts programs that do not outlive the program that starts them. It is for tests and benchmarks.
package childprocess

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// starts receives the starts of all programs. They run on one thread, because the kernel kills a program when the thread ends that
// started it, not only when the process ends. A Go program ends threads while it runs.
var starts = make(chan func())

var serve = sync.OnceFunc(func() {
	go func() {
		runtime.LockOSThread() // the thread never ends
		for start := range starts {
			start()
		}
	}()
})

// Start starts a command, as its method of the same name does. The kernel kills the command if this process ends for any reason,
// even if it is killed itself. It does not kill the children of the command.
func Start(command *exec.Cmd) error {
	serve()
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	starts <- func() { started <- command.Start() }
	return <-started
}

// Run starts a command and waits until it ends.
func Run(command *exec.Cmd) error {
	if err := Start(command); err != nil {
		return err
	}
	return command.Wait() //nolint:wrapcheck // as (*exec.Cmd).Run
}
