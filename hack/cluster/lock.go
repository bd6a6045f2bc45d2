package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// lock identifies the process that runs the cluster. The kernel releases it when that process ends in any way, and
// returns its pid, so it is never stale. The file's content is the supervisor's output.
type lock struct{ file *os.File }

// A supervisor locks these offsets of the file.
const (
	alive = 0 // locked from start to end
	ready = 1 // locked while the cluster is usable
)

func openLock(path string) (lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return lock{}, fmt.Errorf("opening lock: %w", err)
	}
	return lock{file}, nil
}

// close releases every offset that this process holds.
func (l lock) close() { _ = l.file.Close() }

func region(offset int64) *syscall.Flock_t {
	return &syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: offset, Len: 1}
}

// take tries to lock the offset and reports whether this process holds it.
func (l lock) take(offset int64) (bool, error) {
	err := syscall.FcntlFlock(l.file.Fd(), syscall.F_SETLK, region(offset))
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("taking lock: %w", err)
	}
	return true, nil
}

// holder returns the pid of the other process that holds the offset, or 0.
func (l lock) holder(offset int64) (int, error) {
	found := region(offset)
	if err := syscall.FcntlFlock(l.file.Fd(), syscall.F_GETLK, found); err != nil {
		return 0, fmt.Errorf("asking for the lock's holder: %w", err)
	}
	if found.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(found.Pid), nil
}
