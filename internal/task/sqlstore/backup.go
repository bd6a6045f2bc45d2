package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// Backup copies the SQLite store at a database URL, which may be in use, to a new file: all tasks as they are at one
// moment. The file appears under its name only when it is whole, checked and on disk; an existing one is never
// replaced (fs.ErrExist). To restore, replace the store's file with it while no process has that file open, and remove
// the files next to it that end in -wal and -shm.
func Backup(ctx context.Context, databaseURL, destination string) error {
	path, err := File(databaseURL)
	if err != nil {
		return fmt.Errorf("backing up: only a sqlite store is a file (for PostgreSQL use pg_dump): %w", err)
	}
	if err := backUp(ctx, path, destination); err != nil {
		return fmt.Errorf("backing up %s to %s: %w", path, destination, sqliteError(ctx, err))
	}
	return nil
}

func backUp(ctx context.Context, path, destination string) (err error) {
	if _, err := os.Lstat(destination); err == nil {
		return fs.ErrExist // checked again at the end; this only saves the work
	}
	folder := filepath.Dir(destination)
	if err := Sweep(folder); err != nil {
		return err
	}
	partial, err := os.CreateTemp(folder, Unfinished)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(partial.Name())) }()
	defer func() { err = errors.Join(err, partial.Close()) }()
	if err := copySQLite(ctx, path, partial.Name()); err != nil {
		return err
	}
	if err := partial.Sync(); err != nil {
		return err
	}
	// Unlike a rename, a link does not replace a file that was created meanwhile.
	if err := os.Link(partial.Name(), destination); err != nil {
		return err
	}
	return syncFolder(folder)
}

// copySQLite writes a copy that has no free pages, and reads it through.
func copySQLite(ctx context.Context, path, destination string) error {
	source, err := connectSQLite(ctx, path, sqlite3.OPEN_READWRITE, `PRAGMA temp_store=MEMORY`)
	if err != nil {
		return err
	}
	source.SetInterrupt(ctx)
	err = vacuumInto(source, destination)
	if err := errors.Join(err, source.Close()); err != nil {
		return err
	}
	copied, err := connectSQLite(ctx, destination, sqlite3.OPEN_READONLY, `PRAGMA query_only=ON`)
	if err != nil {
		return err
	}
	copied.SetInterrupt(ctx)
	return errors.Join(integrity(copied), copied.Close())
}

func vacuumInto(source *sqliteConn, destination string) error {
	switch version, err := source.version(); {
	case err != nil:
		return err
	case version == 0:
		return errors.New("it holds no tasks: is this the right file?")
	}
	return source.Exec(`VACUUM INTO ` + sqlite3.Quote(destination))
}

// integrity returns the errors that SQLite finds in a database.
func integrity(conn *sqliteConn) error {
	stmt, _, err := conn.Prepare(`PRAGMA integrity_check(1)`)
	if err != nil {
		return err
	}
	verdict := ""
	for stmt.Step() {
		verdict = stmt.ColumnText(0)
	}
	if err := errors.Join(stmt.Err(), stmt.Close()); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("checking the copy: %s", verdict)
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
