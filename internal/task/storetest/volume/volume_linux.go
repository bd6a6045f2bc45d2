// Package volume gives a test a small volume of its own, which it may fill up.
package volume

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// volumeSize names the size of the volume that a process of the test mounts for itself.
const volumeSize = "TODOAPP_TEST_VOLUME_SIZE"

// Mount runs the test again in a process that has a volume of this size mounted at the folder, and reports whether
// this is that process. The volume goes with the process.
func Mount(t *testing.T, size string) (folder string, inside bool) {
	t.Helper()
	if os.Getenv(volumeSize) == "" {
		command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		command.Env = append(os.Environ(), volumeSize+"="+size)
		command.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		return "", false
	}
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+os.Getenv(volumeSize)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	return folder, true
}

// UseUp writes a file until its volume is full.
func UseUp(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, make([]byte, 64<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the volume: %v", err)
	}
}
