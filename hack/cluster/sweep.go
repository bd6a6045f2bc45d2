package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const sweepWithin = 30 * time.Second

// sweep removes everything that a stopped or crashed cluster has left on the machine. It runs before a cluster starts
// and after it ends, and does nothing if nothing is left.
func (l layout) sweep(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		l.killProcesses, l.unmountAll, l.removeLinks, l.removeTables,
		func(ctx context.Context) error {
			return await(ctx, sweepWithin, "cgroups to empty", func(context.Context) error { return l.removeCgroups() })
		},
		func(context.Context) error { return l.restoreKernel() },
		func(context.Context) error { return l.removeFiles() },
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("sweeping: %w", err)
		}
	}
	return nil
}

// killProcesses kills the components, their children and all pods, and returns when none is left.
func (l layout) killProcesses(ctx context.Context) error {
	return await(ctx, sweepWithin, "processes to end", func(context.Context) error {
		pods, err := l.cgroupProcesses()
		if err != nil {
			return err
		}
		left := len(pods)
		for _, pid := range pods {
			_ = syscall.Kill(pid, syscall.SIGKILL) // processes in the cluster's cgroup belong to the cluster
		}
		components, err := killMarked(marker)
		if err != nil {
			return err
		}
		if left += components; left > 0 {
			return fmt.Errorf("%d are left", left)
		}
		return nil
	})
}

// killMarked kills the processes that carry the marker and returns their number. It opens a pidfd before it reads the
// marker, so that it kills the process that it has checked.
func killMarked(marker string) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	found := 0
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		handle, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		if isMarked(pid, marker) {
			found++
			_ = handle.Kill()
		}
		_ = handle.Release()
	}
	return found, nil
}

func isMarked(pid int, marker string) bool {
	environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	return err == nil && hasMarker(environment, marker)
}

func hasMarker(environment []byte, marker string) bool {
	return slices.ContainsFunc(bytes.Split(environment, []byte{0}), func(entry []byte) bool {
		return string(entry) == marker
	})
}

// unmountAll unmounts everything in the cluster's directories: volumes, root file systems, and network namespaces with
// their links.
func (l layout) unmountAll(context.Context) error {
	for range 3 { // a mount may cover another one
		all, err := mounts()
		if err != nil {
			return err
		}
		inside := l.mountsInside(all)
		if len(inside) == 0 {
			return nil
		}
		for _, point := range slices.Backward(inside) {
			if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
				return fmt.Errorf("unmounting %s: %w", point, err)
			}
		}
	}
	return errors.New("mounts keep coming back")
}

func (l layout) mountsInside(all []mount) []string {
	var inside []string
	for _, m := range all {
		if strings.HasPrefix(m.point, l.State+"/") || strings.HasPrefix(m.point, l.Run+"/") {
			inside = append(inside, m.point)
		}
	}
	return inside
}

// removeLinks removes the node's link, and the links of pods whose namespaces the kernel has not removed yet.
func (l layout) removeLinks(ctx context.Context) error {
	if !installed("ip") {
		return nil
	}
	routes, err := output(ctx, "ip", "route", "show", "root", l.PodRange)
	if err != nil {
		return err
	}
	for _, link := range append(linksOf(routes), l.Link) {
		_ = run(ctx, "ip", "link", "delete", link)
		if _, err := net.InterfaceByName(link); err == nil {
			return fmt.Errorf("link %s cannot be deleted", link)
		}
	}
	return nil
}

// linksOf returns the links in the output of "ip route".
func linksOf(routes string) []string {
	var links []string
	for line := range strings.Lines(routes) {
		fields := strings.Fields(line)
		if at := slices.Index(fields, "dev"); at >= 0 && at+1 < len(fields) {
			links = append(links, fields[at+1])
		}
	}
	return links
}

// removeTables removes the packet filter tables of the cluster and kube-proxy.
func (l layout) removeTables(ctx context.Context) error {
	if !installed("nft") {
		return nil
	}
	tables, err := output(ctx, "nft", "list", "tables")
	if err != nil {
		return err
	}
	for line := range strings.Lines(tables) {
		fields := strings.Fields(line) // table <family> <name>
		if len(fields) == 3 && (fields[2] == "kube-proxy" || fields[2] == l.Name) {
			if err := run(ctx, "nft", "delete", "table", fields[1], fields[2]); err != nil {
				return err
			}
		}
	}
	return nil
}
