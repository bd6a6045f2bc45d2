package childprocess_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/childprocess"
)

// parent is the environment variable that makes the test binary start a program and wait.
const parent = "CHILDPROCESS_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parent) == "" {
		os.Exit(m.Run())
	}
	child := exec.Command("sleep", "1000")
	if err := childprocess.Start(child); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(strconv.Itoa(child.Process.Pid) + "\n")
	_ = child.Wait()
}

// TestAProgramEndsWithItsParent kills a process that has started a program.
func TestAProgramEndsWithItsParent(t *testing.T) {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), parent+"=1")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := childprocess.Start(command); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if !alive(pid) {
		t.Fatal("the program does not run")
	}
	_ = command.Process.Kill()
	_ = command.Wait()
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	await(t, "the program outlives its parent", func() bool { return !alive(pid) })
}

// TestAProgramOutlivesTheThreadOfItsCaller starts a program from a thread that ends.
func TestAProgramOutlivesTheThreadOfItsCaller(t *testing.T) {
	command := exec.Command("cat")
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	thread := onEndingThread(func() { err = childprocess.Start(command) })
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the thread of the caller does not end", func() bool {
		_, err := os.Stat("/proc/self/task/" + strconv.Itoa(thread))
		return errors.Is(err, os.ErrNotExist)
	})
	_ = in.Close() // cat ends by itself
	if err := command.Wait(); err != nil {
		t.Fatalf("the program ended with the thread of its caller: %v", err)
	}
}

// TestAMissingProgramIsAnError starts a program that does not exist, and runs one that fails.
func TestAMissingProgramIsAnError(t *testing.T) {
	if err := childprocess.Start(exec.Command("/no/such/program")); err == nil {
		t.Error("a missing program starts")
	}
	if err := childprocess.Run(exec.Command("false")); err == nil {
		t.Error("a program that fails gives no error")
	}
}

// onEndingThread calls a function on a thread that ends, and returns the thread's ID. The first thread of a process never ends.
func onEndingThread(call func()) (thread int) {
	called := make(chan struct{})
	go func() {
		runtime.LockOSThread() // without an unlock, the thread ends with the goroutine
		if syscall.Gettid() == os.Getpid() {
			defer runtime.UnlockOSThread()
			thread = onEndingThread(call)
		} else {
			thread = syscall.Gettid()
			call()
		}
		close(called)
	}()
	<-called
	return thread
}

// await waits for ten seconds until a condition holds.
func await(t *testing.T, failure string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(failure)
		}
	}
}

// alive reports whether a process runs. A process that has ended, and whose parent has yet to notice, does not run.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return fields[0] != "Z"
}
