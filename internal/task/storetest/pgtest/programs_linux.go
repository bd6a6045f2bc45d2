package pgtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// program finds a program, and otherwise installs its Debian package.
func program(debianPackage, pattern string) (string, error) {
	if found, err := filepath.Glob(pattern); err != nil || len(found) > 0 {
		return last(found), err
	}
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("found no %s: run apt-get install %s", pattern, debianPackage)
	}
	if err := install(debianPackage); err != nil {
		return "", err
	}
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("package %s brought no %s", debianPackage, pattern)
	}
	return last(found), err
}

// last returns the newest of the versions found.
func last(found []string) string {
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// install keeps Debian from making and starting a server of its own.
func install(debianPackage string) error {
	if err := os.MkdirAll("/etc/postgresql-common", 0o755); err != nil {
		return err
	}
	const settings = "/etc/postgresql-common/createcluster.conf"
	if _, err := os.Stat(settings); os.IsNotExist(err) {
		if err := os.WriteFile(settings, []byte("create_main_cluster = false\n"), 0o644); err != nil {
			return err
		}
	}
	for _, args := range [][]string{{"update"}, {"install", "--yes", "--no-install-recommends", debianPackage}} {
		command := exec.Command("apt-get", args...)
		command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("running %v (install the package %s yourself): %w\n%s", command.Args, debianPackage, err, output)
		}
	}
	return nil
}

// servant returns the user that runs the servers, which refuse to run as root.
func servant() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

// unprivileged returns a command that does not run as root.
func unprivileged(name string, args ...string) *exec.Cmd {
	command := exec.Command(name, args...)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: servant()}
	return command
}

// ownedFolder makes a temporary folder for the user that runs the servers.
func ownedFolder(prefix string) (string, error) {
	folder, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", err
	}
	if owner := servant(); owner != nil {
		if err := os.Chown(folder, int(owner.Uid), int(owner.Gid)); err != nil {
			return "", err
		}
	}
	return folder, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
