package plugin

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// terminal opens a pseudo terminal. The reader gets everything that is written to the file.
func terminal(t *testing.T) (file *os.File, reader *bufio.Reader) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = slave.Close(), master.Close() })
	return slave, bufio.NewReader(master)
}

// TestColoursAreForTerminals runs the same command on a terminal, with NO_COLOR, and into a pipe.
func TestColoursAreForTerminals(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", withFrontend, stableStatus)
	t.Setenv("TERM", "xterm")
	first := func(noColour string) string {
		t.Setenv("NO_COLOR", noColour)
		out, reader := terminal(t)
		status := Run(t.Context(), "kubectl-todoapp", "", []string{"status", "shop", "-n", namespace, "--kubeconfig", server.kubeconfig},
			genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: out})
		line, err := reader.ReadString('\n')
		if status != 0 || err != nil {
			t.Errorf("the status is %d: %v", status, err)
		}
		return line
	}
	if line := first(""); !strings.Contains(line, "\x1b[32mReady\x1b[0m") {
		t.Errorf("on a terminal the line is %q", line)
	}
	if line := first("1"); strings.Contains(line, "\x1b") || !strings.Contains(line, "Ready") {
		t.Errorf("with NO_COLOR the line is %q", line)
	}
	t.Setenv("NO_COLOR", "")
	if piped := run(t, namespace, "", "status", "shop"); strings.Contains(piped.out, "\x1b") {
		t.Errorf("a pipe gets %q", piped.out)
	}
}

// TestSlowCommandsShowThatTheyWork expects a line on a terminal while a command waits for others, which the command then clears.
func TestSlowCommandsShowThatTheyWork(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", withFrontend, pausedStatus)
	for text, args := range map[string][]string{
		"checking the operator, the cluster and the pods ...\r\x1b[K": {"doctor", "shop"},
		"reading objects and logs ...\r\x1b[K":                        {"report", "shop", "-o", filepath.Join(t.TempDir(), "r.zip")},
		"waiting for the operator's plan ...\r\x1b[K":                 {"pause", "shop"},
	} {
		errOut, reader := terminal(t)
		var out strings.Builder
		Run(t.Context(), "kubectl-todoapp", "", append(args, "-n", namespace, "--kubeconfig", server.kubeconfig),
			genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: errOut})
		_, _ = fmt.Fprintln(errOut)
		if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, text) {
			t.Errorf("%v: the terminal shows %q, expected %q (%v)", args, line, text, err)
		}
		if piped := run(t, namespace, "", "doctor", "shop"); piped.err != "" {
			t.Errorf("without a terminal the standard error has %q", piped.err)
		}
	}
}
