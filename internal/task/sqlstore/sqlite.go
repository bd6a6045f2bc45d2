package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// busyTimeout is how long a call waits for another process that holds the file's lock.
const busyTimeout = 5 * time.Second

// sqliteStatements test revisions against a JSON array.
var sqliteStatements = statementsFor(`($3 IS NULL OR revision IN (SELECT value FROM json_each($3)))`)

const (
	sqliteTaken = `SELECT count(*) FROM todoapp_attempts WHERE owner = $1 AND key = $2 AND created_at >= $3`

	sqliteRemember = `INSERT OR REPLACE INTO todoapp_attempts
		(owner, key, fingerprint, task_id, title, description, completed, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

// sqlite is the engine for a file: one connection writes, a few read at the same time.
type sqlite struct {
	writer, readers *sqlitePool
	queue           writeQueue
	reserve         *reserve
	report          func(error)
}

// openSQLite opens the file at an absolute path, and creates it if it is missing.
func openSQLite(ctx context.Context, path string, report func(error)) (*sqlite, error) {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("directory of the SQLite file: %w", err)
	}
	space := &reserve{path: path + "-reserve"}
	writer, err := openWriter(ctx, path)
	if err != nil && ctx.Err() == nil && space.release() {
		writer, err = openWriter(ctx, path) // opening needs space for SQLite's shared memory
	}
	if err != nil {
		return nil, fmt.Errorf("SQLite file %s: %w", path, err)
	}
	if err := errors.Join(writer.checkJournal(), Sweep(filepath.Dir(path)), space.fill()); err != nil {
		report(fmt.Errorf("SQLite file %s: %w", path, err))
	}
	engine := &sqlite{
		reserve: space, report: report,
		writer: newSQLitePool(1, func() (*sqliteConn, error) { return nil, errClosed }),
		readers: newSQLitePool(min(max(4, runtime.GOMAXPROCS(0)), 16), func() (*sqliteConn, error) {
			return connectSQLite(context.Background(), path, sqlite3.OPEN_READWRITE, readerSetup)
		}),
	}
	engine.writer.idle = append(engine.writer.idle, writer)
	return engine, nil
}

// openWriter connects to the file and brings its schema up to date.
func openWriter(ctx context.Context, path string) (*sqliteConn, error) {
	writer, err := connectSQLite(ctx, path, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE, writerSetup)
	if err != nil {
		return nil, err
	}
	if err := migrateSQLite(ctx, writer); err != nil {
		return nil, errors.Join(sqliteError(ctx, err), writer.Close())
	}
	return writer, nil
}

const (
	// synchronous=FULL makes every commit durable on power loss. Nothing is written to temporary files, so that a
	// read-only root file system is enough.
	commonSetup = `PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;`
	writerSetup = `PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=16777216;` + commonSetup
	readerSetup = `PRAGMA query_only=ON;` + commonSetup
)

// connectSQLite opens one connection. SQLite does not wait while another process switches a new file to WAL, so it retries.
func connectSQLite(ctx context.Context, path string, flags sqlite3.OpenFlag, setup string) (*sqliteConn, error) {
	deadline := time.Now().Add(busyTimeout)
	for {
		conn, err := tryConnectSQLite(path, flags, setup)
		if !errors.Is(err, sqlite3.BUSY) || time.Now().After(deadline) {
			return conn, sqliteError(ctx, err)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return nil, sqliteError(ctx, err)
		}
	}
}

func tryConnectSQLite(path string, flags sqlite3.OpenFlag, setup string) (*sqliteConn, error) {
	conn, err := sqlite3.OpenFlags(path, flags)
	if err != nil {
		return nil, err
	}
	if err = conn.BusyTimeout(busyTimeout); err == nil {
		err = conn.Exec(setup)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &sqliteConn{Conn: conn, prepared: map[string]preparedSQL{}}, nil
}

// checkJournal returns an error if there is no write-ahead log. SQLite goes on without one if the file system prevents it.
func (c *sqliteConn) checkJournal() error {
	stmt, _, err := c.Prepare(`PRAGMA journal_mode`)
	if err != nil {
		return err
	}
	mode := ""
	for stmt.Step() {
		mode = stmt.ColumnText(0)
	}
	if err := errors.Join(stmt.Err(), stmt.Close()); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the journal is %q, not a write-ahead log, so reading and writing wait for each other: "+
			"does its file system share memory between processes?", mode)
	}
	return nil
}

func (s *sqlite) sql() *statements { return &sqliteStatements }

func (s *sqlite) read(ctx context.Context, scan scan, sql string, args ...any) error {
	conn, err := s.readers.lend(ctx, nil)
	if err != nil {
		return sqliteError(ctx, err)
	}
	defer s.readers.giveBack(conn)
	conn.SetInterrupt(ctx)
	defer conn.SetInterrupt(context.Background())
	return sqliteError(ctx, conn.run(scan, sql, args...))
}

func (s *sqlite) write(ctx context.Context, scan scan, sql string, args ...any) error {
	return s.submit(&pendingWrite{ctx: ctx, run: func(conn *sqliteConn) error { return conn.run(scan, sql, args...) }})
}

func (s *sqlite) free(ctx context.Context, scan scan, sql string, args ...any) error {
	run := func(conn *sqliteConn) error { return conn.run(scan, sql, args...) }
	return s.submit(&pendingWrite{ctx: ctx, run: run, deletes: true})
}

func (s *sqlite) claim(ctx context.Context, planned created, expiry time.Time) (made *task.Task, err error) {
	err = s.submit(&pendingWrite{ctx: ctx, several: true, run: func(conn *sqliteConn) (err error) {
		made, err = conn.claim(planned, expiry)
		return err
	}})
	return made, err
}

// claim runs the statements of an attempt within a transaction.
func (c *sqliteConn) claim(planned created, expiry time.Time) (made *task.Task, err error) {
	var taken int64
	err = c.run(into(&taken, readCount), sqliteTaken, planned.owner, planned.attempt.Key, expiry)
	if err != nil || taken > 0 {
		return nil, err
	}
	draft := planned.draft
	err = c.run(into(&made, readTask), sqliteStatements.insert,
		planned.owner, draft.Title, draft.Description, draft.Completed, planned.at)
	if err != nil {
		return nil, err
	}
	return made, c.run(skipRows, sqliteRemember, planned.owner, planned.attempt.Key, planned.attempt.Fingerprint[:],
		made.ID, draft.Title, draft.Description, draft.Completed, planned.at)
}

// transaction runs do between BEGIN IMMEDIATE and COMMIT. If either fails, it rolls back.
func (c *sqliteConn) transaction(do func() error) (err error) {
	if err := c.run(skipRows, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() { // after a panic as well: the connection is used again
		if !c.GetAutocommit() {
			err = errors.Join(err, c.run(skipRows, `ROLLBACK`))
		}
	}()
	if err := do(); err != nil {
		return err
	}
	return c.run(skipRows, `COMMIT`)
}

func (s *sqlite) ping(ctx context.Context) error {
	return s.read(ctx, skipRows, sqliteStatements.alive)
}

func (s *sqlite) stats() Stats {
	total, writer := s.readers.stats(), s.writer.stats()
	return Stats{
		InUse: total.InUse + writer.InUse,
		Idle:  total.Idle + writer.Idle,
		Max:   total.Max + writer.Max,
		Waits: total.Waits + writer.Waits,
	}
}

// close closes the writer last: the last connection moves the write-ahead log into the file.
func (s *sqlite) close() error { return errors.Join(s.readers.close(), s.writer.close()) }
