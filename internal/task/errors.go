package task

import (
	"errors"
	"fmt"
)

// The kinds of error a store reports; adapters map each of them exactly once.
var (
	// ErrNotFound: the owner has no task with this ID.
	ErrNotFound = errors.New("task not found")
	// ErrMismatch: the task exists, but not at a revision the writer accepts.
	ErrMismatch = errors.New("task has changed")
	// ErrAttemptDiffers: the idempotency key was used before with another body.
	ErrAttemptDiffers = errors.New("idempotency key was used with another request")
	// ErrUnavailable: the store cannot be reached or is busy; the same call may succeed later.
	ErrUnavailable = errors.New("task store unavailable")
	// ErrFull is the ErrUnavailable of a store whose volume has no space left: reading and deleting still work.
	ErrFull = fmt.Errorf("%w: no space left", ErrUnavailable)
	// ErrNotOpened is the ErrUnavailable of a store that was not reached since the process started.
	ErrNotOpened = fmt.Errorf("%w: not opened yet", ErrUnavailable)
)
