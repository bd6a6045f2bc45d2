package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// lock tells who runs the cluster. The kernel keeps it with the process, so it
// ends with the process however that ends, and names its pid: nothing recorded
// can be stale. What the supervisor prints is the content of the file.
type lock struct{ file *os.File }

// What a supervisor holds, as offsets into the file.
const (
	alive = 0 // from its start to its end
	ready = 1 // while the cluster is usable
)

func openLock(path string) (lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return lock{}, fmt.Errorf("opening lock: %w", err)
	}
	return lock{file}, nil
}

// close gives up all that this process holds.
func (l lock) close() { _ = l.file.Close() }

func region(offset int64) *syscall.Flock_t {
	return &syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: offset, Len: 1}
}

// take reports whether this process now holds the offset.
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

// holder returns the pid of the other process that holds the offset, 0 when
// there is none.
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
