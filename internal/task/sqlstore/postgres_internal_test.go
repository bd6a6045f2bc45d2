package sqlstore

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// TestThePoolerIsHinted checks the hint if the server does not know a prepared statement, or knows it already.
func TestThePoolerIsHinted(t *testing.T) {
	const hint = "default_query_exec_mode=cache_describe"
	for code, hinted := range map[string]bool{unknownStatement: true, duplicateStatement: true, undefinedTable: false} {
		err := postgresError(t.Context(), &pgconn.PgError{Code: code, Message: "x"})
		if strings.Contains(err.Error(), hint) != hinted {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestAServerWithoutDiskSpaceIsFull: it is unavailable for writes, and the cause is told from an outage.
func TestAServerWithoutDiskSpaceIsFull(t *testing.T) {
	for code, full := range map[string]bool{diskFull: true, "53300": false, "57P01": false} { // too many connections, shutdown
		err := postgresError(t.Context(), &pgconn.PgError{Code: code, Message: "x"})
		if errors.Is(err, task.ErrFull) != full || !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("%s: %v", code, err)
		}
	}
}
