package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// sqliteError gives an error its kind.
func sqliteError(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, task.ErrUnavailable) {
		return err
	}
	if err, ok := contextError(ctx, err); ok {
		return err
	}
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		return err
	}
	switch code {
	case sqlite3.FULL:
		return full(err)
	case sqlite3.BUSY, sqlite3.LOCKED, sqlite3.IOERR, sqlite3.CANTOPEN, sqlite3.NOMEM,
		sqlite3.READONLY, sqlite3.PERM, sqlite3.PROTOCOL, sqlite3.INTERRUPT:
		return unavailable(err)
	default:
		return err
	}
}

// contextError gives the error its kind if the end of the caller's context caused it: context.Canceled if the caller went
// away, ErrUnavailable if the time was up.
func contextError(ctx context.Context, err error) (error, bool) {
	switch cause := ctx.Err(); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, sqlite3.INTERRUPT) && cause != nil:
		err = fmt.Errorf("%w: %w", cause, err)
	default:
		return nil, false
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return unavailable(err), true
	}
	return err, true
}

func full(err error) error { return fmt.Errorf("%w: %w", task.ErrFull, err) }

func unavailable(err error) error { return fmt.Errorf("%w: %w", task.ErrUnavailable, err) }
