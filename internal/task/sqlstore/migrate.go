package sqlstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
)

// Each migration's number is the schema version it leads to. A migration that was released is never changed.
//
//go:embed migrations
var migrationFiles embed.FS

// migrations returns the SQL of every migration for one kind of database, in order.
func migrations(kind string) ([]string, error) {
	files, err := fs.Glob(migrationFiles, "migrations/"+kind+"/*.sql")
	if err != nil {
		return nil, err
	}
	var all []string
	for i, file := range files {
		if want := fmt.Sprintf("migrations/%s/%04d_", kind, i+1); len(file) < len(want) || file[:len(want)] != want {
			return nil, fmt.Errorf("migration %s is not number %d", file, i+1)
		}
		text, err := fs.ReadFile(migrationFiles, file)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// errNewer returns the error for a schema of a later release.
func errNewer(found, known int) error {
	return fmt.Errorf("the database has schema version %d and this release knows only %d: run a newer release", found, known)
}

// migrateSQLite applies the migrations that the file lacks. Another process that migrates waits at BEGIN IMMEDIATE.
// The version is the file's user_version.
func migrateSQLite(ctx context.Context, conn *sqliteConn) error {
	all, err := migrations("sqlite")
	if err != nil {
		return err
	}
	if version, err := conn.version(); err != nil || version == len(all) {
		return err
	}
	return conn.transaction(func() error {
		version, err := conn.version()
		if err != nil {
			return err
		}
		if version > len(all) {
			return errNewer(version, len(all))
		}
		for ; version < len(all) && ctx.Err() == nil; version++ {
			if err := conn.Exec(all[version]); err != nil {
				return fmt.Errorf("migrating to schema version %d: %w", version+1, err)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return conn.Exec(fmt.Sprintf("PRAGMA user_version=%d", version))
	})
}

// version returns the version of the file's schema.
func (c *sqliteConn) version() (version int, err error) {
	stmt, _, err := c.Prepare("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	for stmt.Step() {
		version = stmt.ColumnInt(0)
	}
	if err := stmt.Err(); err != nil {
		return 0, fmt.Errorf("reading schema version: %w", err)
	}
	return version, stmt.Close()
}
