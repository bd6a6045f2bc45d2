package sqlstore_test

import (
	"path/filepath"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open { return opener(t, sqliteURL(t)) })
}

// sqliteURL names a file of its own for the test.
func sqliteURL(t testing.TB) string {
	return "sqlite://" + filepath.Join(t.TempDir(), "tasks.db")
}
