package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var signals = map[string]syscall.Signal{"KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}

// send finds a pod's processes by their control group. Its name contains the pod's UID, with underscores if systemd
// manages the groups.
func (s Signal) send(proc string) (int, error) {
	number, known := signals[s.Name]
	if !known || s.PodUID == "" {
		return 0, fmt.Errorf("unknown signal %q, or no pod", s.Name)
	}
	groups, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "cgroup"))
	if err != nil {
		return 0, fmt.Errorf("listing processes: %w", err)
	}
	sent := 0
	for _, path := range groups {
		folder := filepath.Dir(path)
		groups, err := os.ReadFile(path)
		if err != nil || !strings.Contains(strings.ReplaceAll(string(groups), "_", "-"), s.PodUID) || holdsPod(folder) {
			continue // has ended, belongs to another pod, or is the pause process
		}
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if err := syscall.Kill(pid, number); err != nil {
			return sent, fmt.Errorf("signalling process %d: %w", pid, err)
		}
		sent++
	}
	return sent, nil
}

func holdsPod(folder string) bool {
	name, err := os.ReadFile(filepath.Join(folder, "comm"))
	return err == nil && strings.TrimSpace(string(name)) == "pause"
}
