package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

func openFile(t *testing.T) (store *Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tasks.db")
	store, err := Open(t.Context(), "sqlite://"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store, path
}

// TestSQLiteIsDurable holds the settings that no test by killing a process can show: they matter on power loss.
func TestSQLiteIsDurable(t *testing.T) {
	store, _ := openFile(t)
	engine := store.engine.(*sqlite)
	for name, pool := range map[string]*sqlitePool{"writer": engine.writer, "reader": engine.readers} {
		conn, err := pool.lend(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.giveBack(conn)
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "temp_store": "2"} {
			stmt, _, err := conn.Prepare("PRAGMA " + pragma)
			if err != nil {
				t.Fatal(err)
			}
			stmt.Step()
			if got := stmt.ColumnText(0); got != want {
				t.Errorf("%s: %s is %q, want %q", name, pragma, got, want)
			}
			if err := stmt.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSQLiteReadersCannotWrite(t *testing.T) {
	store, _ := openFile(t)
	if err := store.engine.read(t.Context(), skipRows, `DELETE FROM todoapp_tasks`); err == nil {
		t.Error("a reader deleted")
	}
}

// TestSQLiteBusy has another process, or so it seems to SQLite, hold the lock for writing.
func TestSQLiteBusy(t *testing.T) {
	store, path := openFile(t)
	other, err := connectSQLite(t.Context(), path, sqlite3.OPEN_READWRITE, commonSetup)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	writer, err := store.engine.(*sqlite).writer.lend(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.BusyTimeout(time.Millisecond); err != nil {
		t.Fatal(err)
	}
	store.engine.(*sqlite).writer.giveBack(writer)
	err = other.transaction(func() error {
		if _, err := store.List(t.Context(), "ann", task.Filter{Limit: 1}); err != nil {
			t.Errorf("reading beside a writer: %v", err)
		}
		_, err := store.Create(t.Context(), "ann", task.Draft{Title: "x"}, task.Attempt{})
		return err
	})
	if !errors.Is(err, task.ErrUnavailable) || !errors.Is(err, sqlite3.BUSY) {
		t.Errorf("writing beside a writer: %v", err)
	}
}

// TestSQLiteFull runs out of room in the middle of a write, which then has not happened.
func TestSQLiteFull(t *testing.T) {
	store, _ := openFile(t)
	writer, err := store.engine.(*sqlite).writer.lend(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Exec(`PRAGMA max_page_count=20`); err != nil {
		t.Fatal(err)
	}
	store.engine.(*sqlite).writer.giveBack(writer)
	long := strings.Repeat("x", 8000)
	made := int64(0)
	for ; err == nil; made++ {
		_, err = store.Create(t.Context(), "ann", task.Draft{Title: "x", Description: &long}, task.Attempt{Key: fmt.Sprint(made)})
	}
	if !errors.Is(err, task.ErrUnavailable) || !errors.Is(err, sqlite3.FULL) {
		t.Errorf("a full disk gives %v", err)
	}
	page, err := store.List(t.Context(), "ann", task.Filter{Limit: 100})
	if err != nil || page.Total != made-1 {
		t.Errorf("%d tasks after %d successes: %v", page.Total, made-1, err)
	}
}

func TestSQLiteWaitsForAConnectionAndCounts(t *testing.T) {
	store, _ := openFile(t)
	writers := store.engine.(*sqlite).writer
	conn, err := writers.lend(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := store.Stats()
	soon, done := context.WithTimeout(t.Context(), time.Millisecond)
	defer done()
	if _, err := store.Create(soon, "ann", task.Draft{Title: "x"}, task.Attempt{}); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("creating while the writer is in use: %v", err)
	}
	writers.giveBack(conn)
	after := store.Stats()
	if before.InUse != 1 || after.InUse != 0 || after.Idle != before.Idle+1 || after.Waits != before.Waits+1 || after.Max < 5 {
		t.Errorf("stats %+v, then %+v", before, after)
	}
}

func TestOwnerKey(t *testing.T) {
	for owner, plain := range map[string]bool{
		"ann": true, "": true, "SHA256:x": true, strings.Repeat("ü", 256): true,
		strings.Repeat("ü", 257): false, "sha256:": false, "a\x00": false, "\xff": false,
		digestMark + strings.Repeat("0", 64): false,
	} {
		key := ownerKey(owner)
		if (key == owner) != plain || len(key) > longestOwner {
			t.Errorf("%.20q is kept as %.20q", owner, key)
		}
		if !plain && ownerKey(key) == key {
			t.Errorf("an owner called %q would be taken for %.20q", key, owner)
		}
	}
}

func TestMigrationsAreNumbered(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		if all, err := migrations(kind); err != nil || len(all) == 0 {
			t.Errorf("%s: %d migrations, %v", kind, len(all), err)
		}
	}
}

// TestAJournalThatIsNone is told of; in memory there is never a write-ahead log.
func TestAJournalThatIsNone(t *testing.T) {
	conn, err := connectSQLite(t.Context(), ":memory:", sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE, writerSetup)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.checkJournal(); err == nil || !strings.Contains(err.Error(), `"memory"`) {
		t.Errorf("got %v", err)
	}
}
