package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// lostError is the error of a statement whose connection broke. A write may or may not have happened.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// unreachableError is the error of a statement that got no connection.
type unreachableError struct{ error }

func (e unreachableError) Unwrap() error { return e.error }

// postgresError gives an error its kind.
func postgresError(ctx context.Context, err error) error {
	var lost lostError
	var unreachable unreachableError
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return err
	case answered(err, diskFull):
		return full(err)
	case answered(err, noDatabase):
		return unavailable(fmt.Errorf("%w (create the database, or correct its name in the URL)", err))
	case answered(err, noAuthorization, wrongPassword):
		return unavailable(fmt.Errorf("%w (correct the user and the password in the URL, or create the user)", err))
	case errors.As(err, &lost), errors.As(err, &unreachable), errors.Is(err, context.DeadlineExceeded), passing(err):
		return unavailable(err)
	case answered(err, unknownStatement, duplicateStatement):
		return fmt.Errorf("%w (a pooler that does not follow prepared statements? "+
			"then add default_query_exec_mode=cache_describe to the URL)", err)
	default:
		return err
	}
}

// passing reports whether the server answered that it cannot serve the statement now.
func passing(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || len(answer.Code) != 5 {
		return false
	}
	switch answer.Code {
	case readOnly, lockNotAvailable:
		return true
	}
	// Connection exceptions, rollbacks, insufficient resources, operator intervention, system errors.
	return slices.Contains([]string{"08", "40", "53", "57", "58"}, answer.Code[:2])
}

const (
	readOnly         = "25006" // the server became a standby
	lockNotAvailable = "55P03"

	diskFull        = "53100"
	noDatabase      = "3D000"
	noAuthorization = "28000"
	wrongPassword   = "28P01"

	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	undefinedTable       = "42P01"
	duplicateTable       = "42P07"
	duplicateObject      = "42710"
	uniqueViolation      = "23505"
	internalError        = "XX000"
	unknownStatement     = "26000"
	duplicateStatement   = "42P05"
)

// answered reports whether the server answered with one of the codes.
func answered(err error, codes ...string) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && slices.Contains(codes, answer.Code)
}

// writeMayRetry reports whether the server certainly did not execute the statement.
func writeMayRetry(err error) bool {
	var unreachable unreachableError
	if errors.As(err, &unreachable) {
		return false // the statement has waited already
	}
	return answered(err, serializationFailure, deadlockDetected) || pgconn.SafeToRetry(err)
}

// readMayRetry also accepts broken connections: after a restart of the server all idle ones are.
func readMayRetry(err error) bool {
	var lost lostError
	return writeMayRetry(err) || errors.As(err, &lost) && !errors.Is(err, context.DeadlineExceeded)
}
