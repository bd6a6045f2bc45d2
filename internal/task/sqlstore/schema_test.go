package sqlstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

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

// TestExpiredAttemptsArePurged makes more than one purge takes, lets them expire, and sees them go in batches.
func TestExpiredAttemptsArePurged(t *testing.T) {
	for kind, url := range bothURLs(t) {
		t.Run(kind, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			store := openWith(t, url, sqlstore.Options{Now: func() time.Time { return now }})
			made := 0
			attempts := func(to int) {
				for ; made < to; made++ {
					attempt := task.Attempt{Key: fmt.Sprint(made)}
					if _, err := store.Create(t.Context(), "ann", task.Draft{Title: "x"}, attempt); err != nil {
						t.Fatal(err)
					}
				}
			}
			attempts(320)
			now = now.Add(25 * time.Hour)
			for _, step := range []struct {
				to   int
				want int64
			}{{321, 64 + 1}, {384, 64 + 64}, {385, 65}} {
				attempts(step.to)
				if got := raw(t, url, `SELECT count(*) FROM todoapp_attempts`); got != step.want {
					t.Errorf("after %d attempts %d are kept, want %d", step.to, got, step.want)
				}
			}
			if got := raw(t, url, `SELECT count(*) FROM todoapp_tasks`); got != 385 {
				t.Errorf("%d tasks, want all of them", got)
			}
		})
	}
}
