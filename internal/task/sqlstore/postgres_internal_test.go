package sqlstore

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestThePoolerIsHinted where the server does not know a statement that was prepared, or knows it already.
func TestThePoolerIsHinted(t *testing.T) {
	const hint = "default_query_exec_mode=cache_describe"
	for code, hinted := range map[string]bool{unknownStatement: true, duplicateStatement: true, undefinedTable: false} {
		err := postgresError(t.Context(), &pgconn.PgError{Code: code, Message: "x"})
		if strings.Contains(err.Error(), hint) != hinted {
			t.Errorf("%s: %v", code, err)
		}
	}
}
