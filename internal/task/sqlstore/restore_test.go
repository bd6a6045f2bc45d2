package sqlstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// backupOf returns the bytes of a backup of a store with one task.
func backupOf(t *testing.T) (file []byte, id, revision int64) {
	t.Helper()
	url := sqliteURL(t)
	made := create(t, openStore(t, url), "saved")
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := sqlstore.Backup(t.Context(), url, path); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file, made.ID, made.Revision
}

func TestRestore(t *testing.T) {
	file, id, revision := backupOf(t)
	url := "sqlite://" + filepath.Join(t.TempDir(), "tasks.db")
	old, err := sqlstore.Open(t.Context(), url, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	create(t, old, "lost")
	err = sqlstore.Restore(t.Context(), url, bytes.NewReader(file))
	if err == nil || !strings.Contains(err.Error(), "uses the store") {
		t.Fatalf("a store in use is replaced: %v", err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sqlstore.Restore(t.Context(), url, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	store := openStore(t, url)
	got, err := store.Get(t.Context(), "ann", id)
	if err != nil || got.Title != "saved" || got.Revision != revision+1_000_000 {
		t.Errorf("restored as %+v, %v", got, err)
	}
	if next := create(t, store, "next"); next.ID != id+1_000_001 {
		t.Errorf("the next id is %d", next.ID)
	}
}

func TestRestoreIntoAnEmptyVolume(t *testing.T) {
	file, id, _ := backupOf(t)
	url := "sqlite://" + filepath.Join(t.TempDir(), "tasks.db")
	if err := sqlstore.Restore(t.Context(), url, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(t, url).Get(t.Context(), "ann", id); err != nil {
		t.Error(err)
	}
}

// damaged returns a backup with one wrong letter in an index: the owner of the task. The store opens such a file, and reads and
// writes its table, so only the integrity check of SQLite finds the damage.
func damaged(t *testing.T, file []byte) []byte {
	t.Helper()
	const indexLeaf = 0x0a // the first byte of a page that holds the entries of an index
	size := int(binary.BigEndian.Uint16(file[16:]))
	wrong := bytes.Clone(file)
	for page := range slices.Chunk(wrong, size) {
		if at := bytes.Index(page, []byte("ann")); page[0] == indexLeaf && at > 0 {
			page[at] = 'b'
			return wrong
		}
	}
	t.Fatal("no index of the backup has the owner of the task")
	return nil
}

func TestRestoreRefuses(t *testing.T) {
	file, _, _ := backupOf(t)
	cut := errors.New("the connection is cut")
	for name, backup := range map[string][]byte{
		"text": []byte("no database"), "nothing": nil, "half": file[:len(file)/2], "damaged": damaged(t, file),
	} {
		url := sqliteURL(t)
		path := strings.TrimPrefix(url, "sqlite://")
		store, err := sqlstore.Open(t.Context(), url, sqlstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		kept := create(t, store, "kept")
		if err := store.Close(); err != nil { // a store in use is refused whatever the backup holds
			t.Fatal(err)
		}
		if err := sqlstore.Restore(t.Context(), url, bytes.NewReader(backup)); err == nil {
			t.Errorf("%s is restored", name)
		}
		interrupted := iotest.DataErrReader(iotest.ErrReader(cut))
		if err := sqlstore.Restore(t.Context(), url, interrupted); !errors.Is(err, cut) {
			t.Errorf("%s, interrupted: %v", name, err)
		}
		if _, err := openStore(t, url).Get(t.Context(), "ann", kept.ID); err != nil {
			t.Errorf("%s: the store lost its task: %v", name, err)
		}
		if left, err := fs.Glob(os.DirFS(filepath.Dir(path)), sqlstore.Unfinished+"*"); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", name, left, err)
		}
	}
	err := sqlstore.Restore(t.Context(), "postgres://x/y", bytes.NewReader(file))
	if err == nil || !strings.Contains(err.Error(), "pg_restore") {
		t.Errorf("PostgreSQL: %v", err)
	}
}
