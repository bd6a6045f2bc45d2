package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

const (
	// statementTimeout is how long a call waits for the answer to one statement.
	statementTimeout = 10 * time.Second
	// mostTries is how often a statement is sent if a retry may succeed.
	mostTries = 12
	// longestPause is the most to wait between two tries.
	longestPause = 100 * time.Millisecond
)

// postgresStatements test revisions against an array.
var postgresStatements = statementsFor(`($3::bigint[] IS NULL OR revision = ANY($3::bigint[]))`)

// postgresClaim creates task and attempt in one statement. It waits for a parallel statement with the same key, and
// returns no row if that statement succeeds.
const postgresClaim = `WITH attempt AS (
		INSERT INTO todoapp_attempts AS held
			(owner, key, fingerprint, task_id, title, description, completed, created_at)
		VALUES ($1, $2, $3, nextval('todoapp_task_ids'), $4, $5, $6, $7)
		ON CONFLICT (owner, key) DO UPDATE SET
			fingerprint = excluded.fingerprint, task_id = excluded.task_id, title = excluded.title,
			description = excluded.description, completed = excluded.completed, created_at = excluded.created_at
		WHERE held.created_at < $8
		RETURNING owner, task_id, title, description, completed, created_at)
	INSERT INTO todoapp_tasks (id, owner, title, description, completed, created_at, updated_at)
	SELECT task_id, owner, title, description, completed, created_at, created_at FROM attempt
	RETURNING ` + taskColumns

// postgres is the engine for a server.
type postgres struct {
	pool *pgxpool.Pool
}

func (p *postgres) sql() *statements { return &postgresStatements }

func (p *postgres) read(ctx context.Context, scan scan, sql string, args ...any) error {
	return p.run(ctx, readMayRetry, scan, sql, args)
}

func (p *postgres) write(ctx context.Context, scan scan, sql string, args ...any) error {
	return p.run(ctx, writeMayRetry, scan, sql, args)
}

// free runs a plain write: no space can be kept on the server's volume.
func (p *postgres) free(ctx context.Context, scan scan, sql string, args ...any) error {
	return p.write(ctx, scan, sql, args...)
}

// room returns false: only the next write that succeeds shows that the server has space again.
func (p *postgres) room() bool { return false }

func (p *postgres) claim(ctx context.Context, planned created, expiry time.Time) (made *task.Task, err error) {
	draft := planned.draft
	err = p.write(ctx, into(&made, readTask), postgresClaim, planned.owner, planned.attempt.Key,
		planned.attempt.Fingerprint[:], draft.Title, draft.Description, draft.Completed, planned.at, expiry)
	return made, err
}

// run sends a statement until it succeeds, or fails in a way that mayRetry does not accept.
func (p *postgres) run(ctx context.Context, mayRetry func(error) bool, scan scan, sql string, args []any) error {
	for try := 1; ; try++ {
		err := p.once(ctx, scan, sql, args)
		if err == nil {
			return nil
		}
		if try == mostTries || !mayRetry(err) {
			return postgresError(ctx, err)
		}
		if err := pause(ctx, rand.N(min(2*time.Millisecond<<try, longestPause))); err != nil {
			return postgresError(ctx, err)
		}
	}
}

// once sends a statement and reads its rows. If the caller goes away, only the wait for a connection ends: cancelling a
// statement would close its connection, and leave the outcome of a write unknown.
func (p *postgres) once(ctx context.Context, scan scan, sql string, args []any) error {
	conn, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	deadline := time.Now().Add(statementTimeout)
	if callers, ok := ctx.Deadline(); ok && callers.Before(deadline) {
		deadline = callers
	}
	ctx, done := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer done()
	rows, err := conn.Query(ctx, sql, args...)
	if err == nil {
		err = scanRows(rows, scan)
	}
	if err == nil || !conn.Conn().IsClosed() {
		return err
	}
	if ctx.Err() == nil {
		p.pool.Reset() // the other connections are likely broken as well
	}
	return lostError{err}
}

// scanRows reads the rows, and returns also the error that ended them early.
func scanRows(rows pgx.Rows, scan scan) error {
	defer rows.Close()
	if err := scan(rows); err != nil {
		return err
	}
	return rows.Err()
}

// acquire waits for a connection for a bounded time.
func (p *postgres) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	waiting, done := context.WithTimeout(ctx, acquireTimeout)
	defer done()
	conn, err := p.pool.Acquire(waiting)
	if err != nil {
		return nil, unreachableError{fmt.Errorf("acquiring connection: %w", err)}
	}
	return conn, nil
}

func (p *postgres) ping(ctx context.Context) error {
	return p.read(ctx, skipRows, postgresStatements.alive)
}

func (p *postgres) stats() Stats {
	now := p.pool.Stat()
	return Stats{
		InUse: int(now.AcquiredConns()), Idle: int(now.IdleConns()), Max: int(now.MaxConns()), Waits: now.EmptyAcquireCount(),
	}
}

// close waits for the connections that are in use.
func (p *postgres) close() error {
	p.pool.Close()
	return nil
}
