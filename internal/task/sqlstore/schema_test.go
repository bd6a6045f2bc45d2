package sqlstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// raw runs SQL in a database beside its store and returns the number it selects.
func raw(t *testing.T, url, sql string) (number int64) {
	t.Helper()
	path, isFile := strings.CutPrefix(url, "sqlite://")
	if !isFile {
		conn, err := pgx.Connect(t.Context(), url)
		if err == nil {
			err = conn.QueryRow(t.Context(), sql).Scan(&number)
			err = errors.Join(err, conn.Close(t.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
		return number
	}
	conn, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	stmt, _, err := conn.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	for stmt.Step() {
		number = stmt.ColumnInt64(0)
	}
	if err := errors.Join(stmt.Err(), stmt.Close(), conn.Close()); err != nil {
		t.Fatal(err)
	}
	return number
}

func TestNewerSchemaIsRefused(t *testing.T) {
	newer := map[string]string{
		"sqlite":   `PRAGMA user_version=99`,
		"postgres": `UPDATE todoapp_schema SET version = 99 RETURNING version`,
	}
	for kind, url := range bothURLs(t) {
		t.Run(kind, func(t *testing.T) {
			openStore(t, url)
			raw(t, url, newer[kind])
			store, err := sqlstore.Open(t.Context(), url, sqlstore.Options{})
			if err == nil {
				t.Fatal(errors.Join(errors.New("it was opened"), store.Close()))
			}
			if !strings.Contains(err.Error(), "schema version 99") || errors.Is(err, task.ErrUnavailable) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestIdsEnd gives out the last id that JavaScript reads exactly, and creates nothing after it.
func TestIdsEnd(t *testing.T) {
	last := map[string]string{
		"sqlite":   `UPDATE sqlite_sequence SET seq = 9007199254740990 WHERE name = 'todoapp_tasks'`,
		"postgres": `SELECT setval('todoapp_task_ids', 9007199254740990)`,
	}
	for kind, url := range bothURLs(t) {
		t.Run(kind, func(t *testing.T) {
			store := openStore(t, url)
			create := func(attempt string) (task.Task, error) {
				return store.Create(t.Context(), "ann", task.Draft{Title: "x"}, task.Attempt{Key: attempt})
			}
			if _, err := create(""); err != nil { // SQLite knows no sequence before
				t.Fatal(err)
			}
			raw(t, url, last[kind])
			if made, err := create(""); err != nil || made.ID != 1<<53-1 {
				t.Fatalf("id %d, %v", made.ID, err)
			}
			for _, attempt := range []string{"", "again"} {
				if made, err := create(attempt); err == nil || errors.Is(err, task.ErrUnavailable) {
					t.Errorf("attempt %q got id %d, %v", attempt, made.ID, err)
				}
			}
			if tasks := raw(t, url, `SELECT count(*) FROM todoapp_tasks`); tasks != 2 {
				t.Errorf("%d tasks, want 2", tasks)
			}
			if attempts := raw(t, url, `SELECT count(*) FROM todoapp_attempts`); attempts != 0 {
				t.Errorf("%d failed attempts are remembered", attempts)
			}
		})
	}
}
