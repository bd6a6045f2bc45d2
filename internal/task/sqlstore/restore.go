package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// moveOn makes a restored file give out no revision and no id that a client may have seen after the backup. Otherwise an old ETag
// could match another state, and an old id another task.
const moveOn = `BEGIN IMMEDIATE;
UPDATE todoapp_tasks SET revision = revision + 1000000;
UPDATE sqlite_sequence SET seq = seq + 1000000 WHERE name = 'todoapp_tasks';
COMMIT`

// Restore replaces the SQLite store at a database URL by a backup. The backup is checked first, and the store stays as it is if the
// backup is not whole or a process uses the store.
func Restore(ctx context.Context, databaseURL string, backup io.Reader) error {
	path, err := File(databaseURL)
	if err != nil {
		return fmt.Errorf("restoring: only a sqlite store is a file (for PostgreSQL use pg_restore): %w", err)
	}
	if err := restore(ctx, path, backup); err != nil {
		return fmt.Errorf("restoring %s: %w", path, sqliteError(ctx, err))
	}
	return nil
}

func restore(ctx context.Context, path string, backup io.Reader) (err error) {
	folder := filepath.Dir(path)
	if err := Sweep(folder); err != nil {
		return err
	}
	partial, err := os.CreateTemp(folder, Unfinished)
	if err != nil {
		return err
	}
	defer func() {
		if failure := os.Remove(partial.Name()); !errors.Is(failure, fs.ErrNotExist) {
			err = errors.Join(err, failure)
		}
	}()
	_, err = io.Copy(partial, backup)
	if err := errors.Join(err, partial.Sync(), partial.Close()); err != nil {
		return err
	}
	if err := prepareRestored(ctx, partial.Name()); err != nil {
		return err
	}
	if err := settle(path); err != nil {
		return err
	}
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(partial.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// prepareRestored checks a backup and moves its revisions and ids on.
func prepareRestored(ctx context.Context, path string) error {
	conn, err := connectSQLite(ctx, path, sqlite3.OPEN_READWRITE, `PRAGMA synchronous=FULL`)
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	conn.SetInterrupt(ctx)
	version, err := conn.version()
	switch {
	case err != nil:
		err = fmt.Errorf("reading the backup: %w", err)
	case version == 0:
		err = errors.New("the backup holds no tasks: is this the right file?")
	default:
		if err = integrity(conn); err == nil {
			err = conn.Exec(moveOn)
		}
	}
	return errors.Join(err, conn.Close())
}

// errInUse says that a process has the store open.
var errInUse = errors.New("a process uses the store: stop it first")

// settle writes the write-ahead log of an existing store into its file, and returns an error if a process uses the store. A
// connection in exclusive mode needs the file for itself, and merges the log if it is closed.
func settle(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	conn, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		return err
	}
	err = conn.Exec(`PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT`)
	if errors.Is(err, sqlite3.BUSY) {
		err = errInUse
	}
	return errors.Join(err, conn.Close())
}
