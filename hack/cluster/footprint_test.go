//go:build cluster

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// footprint lists everything on this machine that a cluster could change.
func footprint(t *testing.T) []string {
	t.Helper()
	var found []string
	add := func(kind string, values ...string) {
		for _, value := range values {
			found = append(found, kind+" "+value)
		}
	}
	add("process", clusterProcesses(t)...)
	add("namespace", networkNamespaces(t)...)
	all, err := mounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		add("mount", m.kind+" on "+m.point)
	}
	add("link", children(t, "/sys/class/net")...)
	for _, dir := range []string{"/var/log/containers", "/var/log/pods", "/var/lib/cni", "/run/containerd",
		"/run/netns", "/var/lib/kubelet", "/var/lib/todoapp-cluster", "/run/todoapp-cluster", "/etc/cni"} {
		add("file in "+dir, children(t, dir)...)
	}
	groups, err := newLayout("").cgroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		if _, err := os.Stat(group); err == nil {
			add("cgroup", group)
		}
	}
	for name := range kernelSettings {
		value, _ := os.ReadFile("/proc/sys/" + name)
		add("setting", name+"="+strings.TrimSpace(string(value)))
	}
	for _, command := range [][]string{{"nft", "list", "tables"}, {"ip", "route"}, {"ip", "rule"}, {"ip", "address"}} {
		out, err := output(context.Background(), command[0], command[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		add(strings.Join(command, " "), strings.Split(out, "\n")...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// sameFootprint fails the test unless the machine returns to its earlier footprint. The kernel removes a network
// namespace only some time after its last process has ended.
func sameFootprint(t *testing.T, before []string) {
	t.Helper()
	err := await(context.Background(), 5*time.Second, "the machine to be as before", func(context.Context) error {
		after := footprint(t)
		var changed []string
		for _, entry := range after {
			if !slices.Contains(before, entry) {
				changed = append(changed, "+ "+entry)
			}
		}
		for _, entry := range before {
			if !slices.Contains(after, entry) {
				changed = append(changed, "- "+entry)
			}
		}
		if len(changed) > 0 {
			return fmt.Errorf("changed:\n%s", strings.Join(changed, "\n"))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// clusterProcesses returns the processes that run the cluster's programs.
func clusterProcesses(t *testing.T) []string {
	t.Helper()
	programs := []string{"etcd", "kube-apiserver", "kube-controller", "kube-scheduler", "kubelet", "kube-proxy",
		"coredns", "containerd", "containerd-shim", "pause", "probe", "runc"}
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, path := range paths {
		name, _ := os.ReadFile(path)
		if comm := strings.TrimSpace(string(name)); slices.Contains(programs, comm) {
			found = append(found, comm+" "+filepath.Dir(path))
		}
	}
	return found
}

func networkNamespaces(t *testing.T) []string {
	t.Helper()
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, path := range paths {
		if space, err := os.Readlink(path); err == nil {
			found = append(found, space)
		}
	}
	return found
}

func children(t *testing.T, dir string) []string {
	t.Helper()
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
