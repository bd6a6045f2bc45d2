package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Open opens the store at a database URL and migrates its schema. Several processes may do so at once.
//
//	sqlite:///data/tasks.db   the file /data/tasks.db; sqlite://tasks.db is relative to the working directory
//	postgres://…, postgresql://…   PostgreSQL, Neon, CockroachDB; the parameters of pgx are honoured, among them
//	    pool_max_conns (default 8), connect_timeout (seconds, default 10) and default_query_exec_mode: behind a pooler
//	    that gives out servers by transaction and does not follow prepared statements (pgbouncer before 1.21, or with
//	    max_prepared_statements=0) it must be "cache_describe", "exec" or "simple_protocol"
//
// An error names the fault in the URL or the database and never contains the URL's password. It is a task.ErrUnavailable
// if opening later may succeed.
func Open(ctx context.Context, databaseURL string, options Options) (*Store, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Report == nil {
		options.Report = func(error) {}
	}
	engine, err := openEngine(ctx, databaseURL, options.Report)
	if err != nil {
		return nil, fmt.Errorf("opening task store: %w", err)
	}
	return newStore(engine, options), nil
}

func openEngine(ctx context.Context, databaseURL string, report func(error)) (engine, error) {
	switch scheme, _, _ := strings.Cut(databaseURL, "://"); scheme {
	case "sqlite":
		path, err := File(databaseURL)
		if err != nil {
			return nil, err
		}
		return openSQLite(ctx, path, report)
	case "postgres", "postgresql":
		return openPostgres(ctx, databaseURL)
	default:
		return nil, errScheme
	}
}

// acquireTimeout is how long a call waits for a connection.
const acquireTimeout = 5 * time.Second

// errScheme does not repeat the URL, which may contain a password.
var errScheme = errors.New("database URL must begin with sqlite://, postgres:// or postgresql://")

// File returns the absolute path of the file that a sqlite:// URL names.
func File(databaseURL string) (string, error) {
	rest, ok := strings.CutPrefix(databaseURL, "sqlite://")
	if !ok {
		return "", errors.New("database URL must begin with sqlite://")
	}
	if strings.ContainsAny(rest, "?#") {
		return "", errors.New("sqlite URL takes no parameters (write ? as %3F and # as %23 in a file name)")
	}
	path, err := url.PathUnescape(rest)
	switch {
	case err != nil:
		return "", fmt.Errorf("sqlite URL: %w", err)
	case path == "" || strings.HasSuffix(path, "/"):
		return "", errors.New("sqlite URL names no file: write sqlite:///data/tasks.db for /data/tasks.db")
	case path == ":memory:":
		return "", errors.New("sqlite URL must name a file: tasks in memory would be lost")
	}
	return filepath.Abs(path)
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
