package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// removeFiles removes the cluster's directories, and files that its components always write elsewhere.
func (l layout) removeFiles() error {
	const (
		podLogLinks = "/var/log/containers"
		networks    = "/var/lib/cni/results"
		shimSockets = "/run/containerd/s"
	)
	removeMatching(podLogLinks, l.ownsLogLink)
	removeMatching(networks, l.ownsNetworkResult)
	removeMatching(shimSockets, isDeadSocket)
	for _, dir := range []string{podLogLinks, networks, filepath.Dir(networks), shimSockets, filepath.Dir(shimSockets)} {
		_ = os.Remove(dir) // fails unless it is empty
	}
	return errors.Join(os.RemoveAll(l.State), os.RemoveAll(l.Run))
}

// removeMatching removes the matching entries of a directory, if it exists.
func removeMatching(dir string, match func(path string) bool) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if path := filepath.Join(dir, entry.Name()); match(path) {
			_ = os.Remove(path)
		}
	}
}

func (l layout) ownsLogLink(path string) bool {
	target, err := os.Readlink(path)
	return err == nil && strings.HasPrefix(target, l.State+"/")
}

// ownsNetworkResult reports whether a pod's network is the cluster's. CNI records the path of the namespace for the
// loopback link too.
func (l layout) ownsNetworkResult(path string) bool {
	noted, err := os.ReadFile(path)
	return err == nil && bytes.Contains(noted, []byte(l.Run+"/"))
}

// isDeadSocket reports whether no process listens on a socket any more.
func isDeadSocket(path string) bool {
	connection, err := net.Dial("unix", path)
	if err != nil {
		return errors.Is(err, syscall.ECONNREFUSED)
	}
	_ = connection.Close()
	return false
}
