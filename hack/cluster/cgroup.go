package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mount is one line of /proc/self/mountinfo.
type mount struct{ point, kind string }

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// parseMounts parses /proc/self/mountinfo. The fifth field is the mount point; the type of the file system follows a
// single dash.
func parseMounts(info []byte) []mount {
	var mounts []mount
	for line := range bytes.Lines(info) {
		fields := strings.Fields(string(line))
		dash := slices.Index(fields, "-")
		if dash < 5 || dash+1 >= len(fields) {
			continue
		}
		mounts = append(mounts, mount{unescape.Replace(fields[4]), fields[dash+1]})
	}
	return mounts
}

func mounts() ([]mount, error) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading mounts: %w", err)
	}
	return parseMounts(info), nil
}

// cgroups returns the cluster's cgroup in each hierarchy of the machine: one in version 2, one for each controller in
// version 1.
func (l layout) cgroups() ([]string, error) {
	all, err := mounts()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, m := range all {
		if m.kind == "cgroup" || m.kind == "cgroup2" {
			found = append(found, filepath.Join(m.point, l.Name))
		}
	}
	return found, nil
}

// createCgroups creates the group in which the kubelet puts all pods. Version 2 passes controllers down only if they
// are enabled.
func (l layout) createCgroups() error {
	groups, err := l.cgroups()
	if err != nil {
		return err
	}
	for _, group := range groups {
		if err := os.MkdirAll(group, 0o755); err != nil {
			return fmt.Errorf("creating cgroup: %w", err)
		}
		for _, dir := range []string{filepath.Dir(group), group} {
			if err := handDownControllers(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

func handDownControllers(dir string) error {
	available, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // version 1
	}
	if err != nil {
		return err
	}
	for controller := range strings.FieldsSeq(string(available)) {
		err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
		if err != nil {
			return fmt.Errorf("enabling cgroup controller %s: %w", controller, err)
		}
	}
	return nil
}

// cgroupProcesses returns the process ids of all pods.
func (l layout) cgroupProcesses() ([]int, error) {
	groups, err := l.cgroups()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, group := range groups {
		_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Name() == "cgroup.procs" { // a group may disappear during the walk
				pids = append(pids, listedIn(path)...)
			}
			return nil
		})
	}
	return pids, nil
}

// listedIn reads a file of process ids.
func listedIn(path string) []int {
	content, _ := os.ReadFile(path)
	var pids []int
	for field := range strings.FieldsSeq(string(content)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// removeCgroups removes the group and its children, deepest first. It returns an error if a group is busy because its
// last process is still terminating; the caller may retry.
func (l layout) removeCgroups() error {
	groups, err := l.cgroups()
	if err != nil {
		return err
	}
	for _, group := range groups {
		var dirs []string
		_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("removing cgroup: %w", err)
			}
		}
	}
	return nil
}
