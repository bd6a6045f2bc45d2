package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// debian names the package of each program that the cluster needs. CNI's plugins are found by their file, the other
// programs in PATH.
func (l layout) debian() map[string]string {
	return map[string]string{
		"containerd":                       "containerd",
		"runc":                             "runc",
		"nft":                              "nftables",
		"ip":                               "iproute2",
		filepath.Join(l.CNIPlugins, "ptp"): "containernetworking-plugins",
		"mount":                            "mount",
	}
}

// missing returns the packages that are not installed yet.
func (l layout) missing() []string {
	var packages []string
	for program, name := range l.debian() {
		if !installed(program) {
			packages = append(packages, name)
		}
	}
	return packages
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// install installs packages with apt-get, which also installs their dependencies.
func install(ctx context.Context, packages []string) error {
	list := strings.Join(packages, " ")
	if !installed("apt-get") {
		return fmt.Errorf("this machine lacks %s and has no apt-get: install them by hand", list)
	}
	if err := run(ctx, "apt-get", "update", "-q"); err != nil {
		return err
	}
	return run(ctx, "apt-get", append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)...)
}

// run runs a program. If it fails, the error contains its output.
func run(ctx context.Context, name string, args ...string) error {
	_, err := output(ctx, name, args...)
	return err
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), marker, "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// connect creates a link with the node's address, so that nothing listens on the machine's own network. It also adds a
// route to the Services, and address translation for traffic from pods to other machines.
func (l layout) connect(ctx context.Context) error {
	for _, command := range [][]string{
		{"ip", "link", "add", l.Link, "type", "bridge"},
		{"ip", "address", "add", l.NodeAddress + "/32", "dev", l.Link},
		{"ip", "link", "set", l.Link, "up"},
		{"ip", "route", "add", l.ServiceRange, "dev", l.Link, "src", l.NodeAddress},
		{"nft", "-f", filepath.Join(l.config(), "nat.nft")},
	} {
		if err := run(ctx, command[0], command[1:]...); err != nil {
			return fmt.Errorf("connecting the node: %w", err)
		}
	}
	return nil
}

// kernelSettings lists the settings that the cluster needs or the kubelet changes. restoreKernel restores
// them all.
var kernelSettings = map[string]string{
	"net/ipv4/ip_forward":              "1",
	"fs/inotify/max_user_instances":    "8192",
	"vm/overcommit_memory":             "",
	"vm/panic_on_oom":                  "",
	"kernel/panic":                     "",
	"kernel/panic_on_oops":             "",
	"kernel/keys/root_maxkeys":         "",
	"kernel/keys/root_maxbytes":        "",
	"net/ipv4/conf/all/route_localnet": "",
}

func (l layout) savedSettings() string { return filepath.Join(l.State, "kernel-settings.json") }

// tuneKernel records the current settings and then changes them.
func (l layout) tuneKernel() error {
	before := map[string]string{}
	for name := range kernelSettings {
		value, err := os.ReadFile("/proc/sys/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading kernel setting: %w", err)
		}
		before[name] = strings.TrimSpace(string(value))
	}
	noted, err := json.Marshal(before)
	if err != nil {
		return err
	}
	// The file is written atomically, so that it is readable after a crash.
	if err := writeFile(l.savedSettings()+".new", noted); err != nil {
		return err
	}
	if err := os.Rename(l.savedSettings()+".new", l.savedSettings()); err != nil {
		return err
	}
	return setKernel(kernelSettings)
}

// restoreKernel restores the settings that tuneKernel recorded, if it ran.
func (l layout) restoreKernel() error {
	noted, err := os.ReadFile(l.savedSettings())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var before map[string]string
	if err := json.Unmarshal(noted, &before); err != nil {
		return fmt.Errorf("reading noted kernel settings: %w", err)
	}
	return setKernel(before)
}

func setKernel(settings map[string]string) error {
	for name, value := range settings {
		if value == "" {
			continue
		}
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o644); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return nil
}
