package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// TestBackupWhileWriting restores a backup that was taken under load: what was acknowledged before it began is in it,
// and each batch of writes is in it up to one point in time.
func TestBackupWhileWriting(t *testing.T) {
	url := sqliteURL(t)
	store := openStore(t, url)
	const before = 200
	for i := range before {
		create(t, store, fmt.Sprint(i))
	}
	writing, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() {
		for i := before; ; i++ {
			if _, err := store.Create(writing, "ann", task.Draft{Title: fmt.Sprint(i)}, task.Attempt{}); err != nil {
				stopped <- err
				return
			}
		}
	}()
	destination := filepath.Join(t.TempDir(), "it's a backup.db")
	err := sqlstore.Backup(t.Context(), url, destination)
	stop()
	if err := errors.Join(err, onlyCanceled(<-stopped)); err != nil {
		t.Fatal(err)
	}
	restored := openStore(t, "sqlite://"+destination)
	page, err := restored.List(t.Context(), "ann", task.Filter{Limit: 1})
	if err != nil || page.Total < before {
		t.Fatalf("restored %d tasks of at least %d: %v", page.Total, before, err)
	}
	for i := range page.Total {
		got, err := restored.Get(t.Context(), "ann", i+1)
		if err != nil || got.Title != fmt.Sprint(i) {
			t.Fatalf("restored task %d: %+v, %v", i+1, got, err)
		}
	}
	if next := create(t, restored, "next"); next.ID != page.Total+1 {
		t.Errorf("after restoring, the next id is %d, want %d", next.ID, page.Total+1)
	}
}

func onlyCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func TestBackupRefuses(t *testing.T) {
	url := sqliteURL(t)
	create(t, openStore(t, url), "there")
	folder := t.TempDir()
	existing := filepath.Join(folder, "existing")
	if err := os.WriteFile(existing, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(folder, "foreign.db")
	if err := os.WriteFile(foreign, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, test := range []struct {
		name, url, destination string
		ctx                    context.Context
		want                   string
	}{
		{"an existing file", url, existing, t.Context(), fs.ErrExist.Error()},
		{"a missing folder", url, filepath.Join(folder, "none", "b"), t.Context(), "no such file"},
		{"a missing store", "sqlite://" + folder + "/none.db", filepath.Join(folder, "b"), t.Context(), "unable to open"},
		{"another kind of file", "sqlite://" + foreign, filepath.Join(folder, "b"), t.Context(), "right file"},
		{"PostgreSQL", "postgres://u:hunter2@h/d", filepath.Join(folder, "b"), t.Context(), "pg_dump"},
		{"a caller who went away", url, filepath.Join(folder, "b"), gone, "canceled"},
	} {
		err := sqlstore.Backup(test.ctx, test.url, test.destination)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want one about %q", test.name, err, test.want)
		}
	}
	if got, err := os.ReadFile(existing); err != nil || string(got) != "precious" {
		t.Errorf("the existing file is now %q, %v", got, err)
	}
	if left, err := filepath.Glob(filepath.Join(folder, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestWhatKilledBackupsLeftIsRemoved when the store is opened and by the next backup, unless one may be at it still.
func TestWhatKilledBackupsLeftIsRemoved(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, folder string){
		"opening": func(t *testing.T, folder string) { openStore(t, "sqlite://"+folder+"/tasks.db") },
		"a backup": func(t *testing.T, folder string) {
			url := sqliteURL(t)
			create(t, openStore(t, url), "there")
			if err := sqlstore.Backup(t.Context(), url, filepath.Join(folder, "backup.db")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			long, short := time.Now().Add(-2*time.Hour), time.Now().Add(-time.Minute)
			for _, left := range []struct {
				name string
				at   time.Time
			}{{sqlstore.Unfinished + "1", long}, {sqlstore.Unfinished + "2", short}, {".theirs", long}} {
				path := filepath.Join(folder, left.name)
				err := errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "tasks.db"), nil, 0o600),
					os.Chtimes(path, left.at, left.at))
				if err != nil {
					t.Fatal(err)
				}
			}
			do(t, folder)
			left, err := filepath.Glob(filepath.Join(folder, ".*"))
			if want := []string{filepath.Join(folder, ".theirs"), filepath.Join(folder, sqlstore.Unfinished+"2")}; err != nil ||
				!slices.Equal(left, want) {
				t.Errorf("left are %v, %v", left, err)
			}
		})
	}
}

// TestWhatTheDocsMoveOn is what a restored file must not give out again: revisions and ids.
func TestWhatTheDocsMoveOn(t *testing.T) {
	page, err := os.ReadFile("../../../docs/postgresql.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "```sql\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatal("docs/postgresql.md shows no SQL")
	}
	url := sqliteURL(t)
	made := create(t, openStore(t, url), "there")
	restored := "sqlite://" + filepath.Join(t.TempDir(), "tasks.db")
	if err := sqlstore.Backup(t.Context(), url, strings.TrimPrefix(restored, "sqlite://")); err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(strings.TrimSuffix(block, ";\n"), ";") {
		raw(t, restored, statement)
	}
	store := openStore(t, restored)
	got, err := store.Get(t.Context(), "ann", made.ID)
	if err != nil || got.Revision != made.Revision+1_000_000 {
		t.Errorf("restored as %+v, %v", got, err)
	}
	if next := create(t, store, "next"); next.ID != made.ID+1_000_001 {
		t.Errorf("the next id is %d", next.ID)
	}
}
