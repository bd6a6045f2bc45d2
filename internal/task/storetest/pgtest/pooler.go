package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Pooler is pgbouncer before a server, in transaction mode: each transaction may run on another connection.
type Pooler struct {
	daemon
	folder string
	port   int
}

// StartPooler starts a pooler before the server; the caller stops it.
func StartPooler(server *Server) (*Pooler, error) {
	program, err := program("pgbouncer", "/usr/sbin/pgbouncer")
	if err != nil {
		return nil, err
	}
	folder, err := ownedFolder("todoapp-pgbouncer-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &Pooler{folder: folder, port: port}
	settings := filepath.Join(folder, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
`, server.port, port)
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		return nil, err
	}
	if err := p.start(unprivileged(program, settings), "process up"); err != nil {
		return nil, errors.Join(fmt.Errorf("starting pgbouncer: %w", err), os.RemoveAll(folder))
	}
	return p, nil
}

// Stop ends the pooler.
func (p *Pooler) Stop() error {
	p.daemon.Stop()
	return os.RemoveAll(p.folder)
}

// URL returns the URL of a database of the server through the pooler, with further URL parameters.
func (p *Pooler) URL(database, parameters string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable&%s", p.port, database, parameters)
}
