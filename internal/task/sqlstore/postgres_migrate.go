package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	createVersion = `CREATE TABLE IF NOT EXISTS todoapp_schema (id bigint PRIMARY KEY, version bigint NOT NULL)`
	insertVersion = `INSERT INTO todoapp_schema (id, version) VALUES (1, 0) ON CONFLICT (id) DO NOTHING`
	selectVersion = `SELECT version FROM todoapp_schema WHERE id = 1`
)

// migratePostgres applies the migrations that the database lacks. Another process that migrates waits for the
// lock of the only row of todoapp_schema: an advisory lock would get lost in a pooler, and other servers have none.
func migratePostgres(ctx context.Context, pool *pgxpool.Pool) error {
	all, err := migrations("postgres")
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := migrateOnce(ctx, pool, all)
		// A table that two processes create at once violates a constraint of the catalogue.
		if err == nil || try == mostTries || !answered(err, serializationFailure, deadlockDetected,
			uniqueViolation, duplicateTable, duplicateObject, internalError) {
			return postgresError(ctx, err)
		}
		if err := pause(ctx, rand.N(longestPause)); err != nil {
			return postgresError(ctx, err)
		}
	}
}

func migrateOnce(ctx context.Context, pool *pgxpool.Pool, all []string) (err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return unreachableError{fmt.Errorf("connecting: %w", err)}
	}
	defer conn.Release()
	defer func() {
		if err != nil && conn.Conn().IsClosed() {
			err = lostError{err}
		}
	}()
	schema := postgresSchema{conn.Conn().PgConn()}
	version, err := schema.version(ctx, selectVersion)
	switch {
	case answered(err, undefinedTable):
		if err := schema.exec(ctx, createVersion); err != nil {
			return fmt.Errorf("creating schema version: %w", err)
		}
	case err != nil:
		return err
	case version == len(all):
		return nil
	case version > len(all):
		return errNewer(version, len(all))
	}
	if err := schema.exec(ctx, `BEGIN`); err != nil {
		return fmt.Errorf("beginning migration: %w", err)
	}
	if err := schema.migrate(ctx, all); err != nil {
		return err // the pool closes a connection that comes back within a transaction
	}
	if err := schema.exec(ctx, `COMMIT`); err != nil {
		return fmt.Errorf("committing migration: %w", err)
	}
	return nil
}

// postgresSchema sends statements as plain text, which every pooler passes on.
type postgresSchema struct{ *pgconn.PgConn }

// migrate locks the version and applies all later migrations.
func (s postgresSchema) migrate(ctx context.Context, all []string) error {
	if err := s.exec(ctx, insertVersion); err != nil {
		return fmt.Errorf("initialising schema version: %w", err)
	}
	version, err := s.version(ctx, selectVersion+` FOR UPDATE`)
	if err != nil {
		return err
	}
	if version > len(all) {
		return errNewer(version, len(all))
	}
	for ; version < len(all); version++ {
		update := fmt.Sprintf(`;UPDATE todoapp_schema SET version = %d WHERE id = 1`, version+1)
		if err := s.exec(ctx, all[version]+update); err != nil {
			return fmt.Errorf("migrating to schema version %d: %w", version+1, err)
		}
	}
	return nil
}

func (s postgresSchema) exec(ctx context.Context, sql string) error {
	_, err := s.Exec(ctx, sql).ReadAll()
	return err
}

// version returns the stored version, or 0 if none is stored.
func (s postgresSchema) version(ctx context.Context, query string) (int, error) {
	results, err := s.Exec(ctx, query).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("reading schema version: %w", err)
	}
	if len(results) == 0 || len(results[0].Rows) == 0 {
		return 0, nil
	}
	return strconv.Atoi(string(results[0].Rows[0][0]))
}
