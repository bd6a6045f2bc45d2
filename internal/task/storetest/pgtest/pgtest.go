// Package pgtest runs a real PostgreSQL server, and if wanted the pooler pgbouncer before it, for tests.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/todoapp-operator/todoapp-operator/internal/childprocess"
)

// Server is a PostgreSQL server of its own, with its own data, on a free port of the loopback interface.
type Server struct {
	daemon
	program string
	folder  string
	port    int
	durable bool

	mu        sync.Mutex
	databases int
	empty     []string
}

// Start makes and starts a server; the caller stops it. A durable one waits for the disk at every commit.
func Start(durable bool) (*Server, error) {
	program, err := program("postgresql", "/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return nil, err
	}
	folder, err := ownedFolder("todoapp-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{program: program, folder: folder, durable: durable}
	if err := s.initialise(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := s.Restart(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return s, nil
}

func (s *Server) initialise() error {
	initdb := unprivileged(filepath.Join(filepath.Dir(s.program), "initdb"), "--pgdata", s.data(), "--username", "postgres",
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	var output bytes.Buffer
	initdb.Stdout, initdb.Stderr = &output, &output
	if err := childprocess.Run(initdb); err != nil {
		return fmt.Errorf("running initdb: %w\n%s", err, output.Bytes())
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// Restart starts the server after Kill, on the port it had.
func (s *Server) Restart() error {
	if s.port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.port = port
	}
	fsync := "off"
	if s.durable {
		fsync = "on"
	}
	command := unprivileged(s.program, "-D", s.data(), "-p", fmt.Sprint(s.port), "-k", s.folder,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync="+fsync, "-c", "recovery_init_sync_method=syncfs",
		"-c", "shared_buffers=32MB", "-c", "max_connections=200",
		"-c", "logging_collector=off", "-c", "log_destination=stderr")
	if err := s.start(command, "ready to accept connections"); err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	return nil
}

// Stop ends the server and removes its data.
func (s *Server) Stop() error {
	s.daemon.Stop()
	return os.RemoveAll(s.folder)
}

// URL returns the URL of a database of the server.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres:not-checked@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Fresh finds or creates an empty database for the test, takes it back when that ends, and returns its name.
func (s *Server) Fresh(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.empty) - 1; last >= 0 {
		name := s.empty[last]
		s.empty = s.empty[:last]
		s.takeBack(t, name)
		return name
	}
	s.databases++
	name := fmt.Sprintf("test_%d", s.databases)
	if err := s.Exec(t.Context(), "postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	s.takeBack(t, name)
	return name
}

// takeBack empties the database at the end of the test, which is much faster than another one.
func (s *Server) takeBack(t testing.TB, name string) {
	t.Cleanup(func() {
		if err := s.Exec(context.Background(), name, "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
			t.Errorf("emptying database: %v", err)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.empty = append(s.empty, name)
	})
}

// Exec runs statements in a database.
func (s *Server) Exec(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", database, err)
	}
	_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Own starts a server for one test, which may kill it; durable as in Start. The server ends with the test.
func Own(t testing.TB, durable bool) *Server {
	t.Helper()
	server, err := Start(durable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Shared returns the server of the whole test binary. It is not durable, and starts at its first use. The binary's TestMain is
// os.Exit(pgtest.Main(m)).
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = Start(false) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Main runs the tests, stops the shared server and returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping PostgreSQL:", err)
			return 1
		}
	}
	return code
}
