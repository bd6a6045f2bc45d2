package sqlstore_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

const countAttempts = `SELECT count(*) FROM todoapp_attempts`

// TestExpiredAttemptsArePurged makes more than one purge takes, lets them expire, and sees them go in batches.
func TestExpiredAttemptsArePurged(t *testing.T) {
	for kind, url := range bothURLs(t) {
		t.Run(kind, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			store := openWith(t, url, sqlstore.Options{Now: func() time.Time { return now }})
			made := 0
			attempts := func(number int) {
				for to := made + number; made < to; made++ {
					attempt := task.Attempt{Key: fmt.Sprint(made)}
					if _, err := store.Create(t.Context(), "ann", task.Draft{Title: "x"}, attempt); err != nil {
						t.Fatal(err)
					}
				}
			}
			attempts(320)
			now = now.Add(25 * time.Hour)
			attempts(1)
			for i, want := range []struct {
				some bool
				left int64
			}{{true, 64 + 1}, {true, 1}, {false, 1}} {
				if some, err := sqlstore.Forget(store, t.Context()); err != nil || some != want.some {
					t.Errorf("purge %d: %t, %v", i, some, err)
				}
				if got := raw(t, url, countAttempts); got != want.left {
					t.Errorf("after purge %d, %d attempts are kept, want %d", i, got, want.left)
				}
			}
			if got := raw(t, url, `SELECT count(*) FROM todoapp_tasks`); got != 321 {
				t.Errorf("%d tasks, want all of them", got)
			}
		})
	}
}

// TestAnAttemptThatIsRenewedIsNotPurged: the purge has seen it expired, and waits for whoever renews it.
func TestAnAttemptThatIsRenewedIsNotPurged(t *testing.T) {
	server := pgtest.Shared(t)
	url := server.URL(server.Fresh(t))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	store := openWith(t, url, sqlstore.Options{Now: func() time.Time { return now }})
	if _, err := store.Create(t.Context(), "ann", task.Draft{Title: "x"}, task.Attempt{Key: "key"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(25 * time.Hour)
	renewing := lock(t, url, `UPDATE todoapp_attempts SET created_at = '`+now.Format(time.RFC3339)+`'`)
	purged := make(chan error, 1)
	go func() {
		_, err := sqlstore.Forget(store, t.Context())
		purged <- err
	}()
	awaitWaiting(t, url)
	if _, err := renewing.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if err := <-purged; err != nil {
		t.Fatal(err)
	}
	if got := raw(t, url, countAttempts); got != 1 {
		t.Errorf("%d attempts are kept", got)
	}
}

// lock runs a statement of a transaction that lasts until its connection commits, or the test ends.
func lock(t *testing.T, url, sql string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	for _, statement := range []string{`BEGIN`, sql} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// awaitWaiting waits until a transaction waits for a lock of another in the database.
func awaitWaiting(t *testing.T, url string) {
	t.Helper()
	const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	for deadline := time.Now().Add(10 * time.Second); raw(t, url, waiting) == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for the lock")
		}
	}
}

// TestAPurgeThatFails says why.
func TestAPurgeThatFails(t *testing.T) {
	url := sqliteURL(t)
	store := openStore(t, url)
	raw(t, url, `CREATE TRIGGER stuck BEFORE DELETE ON todoapp_attempts BEGIN SELECT RAISE(ABORT, 'stuck'); END`)
	raw(t, url, `INSERT INTO todoapp_attempts (owner, key, fingerprint, task_id, title, completed, created_at)
		VALUES ('x', 'old', x'00', 1, 'x', 0, 0)`)
	if some, err := sqlstore.Forget(store, t.Context()); some || err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("got %t, %v", some, err)
	}
}
