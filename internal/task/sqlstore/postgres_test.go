package sqlstore_test

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(crashWriterURL); url != "" {
		writeUntilKilled(url)
	}
	os.Exit(pgtest.Main(m))
}

func TestPostgres(t *testing.T) {
	server := pgtest.Shared(t)
	storetest.Run(t, func(t *testing.T) storetest.Open {
		return opener(t, server.URL(server.Fresh(t)))
	})
}

// TestPostgresSerializable is what CockroachDB and careful administrators have as their default.
func TestPostgresSerializable(t *testing.T) {
	server := pgtest.Shared(t)
	storetest.Run(t, func(t *testing.T) storetest.Open {
		return opener(t, server.URL(server.Fresh(t))+"&default_transaction_isolation=serializable")
	})
}

// TestPostgresThroughPooler needs no prepared statement to outlive a transaction.
func TestPostgresThroughPooler(t *testing.T) {
	server := pgtest.Shared(t)
	pooler, err := pgtest.StartPooler(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pooler.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, mode := range []string{"cache_describe", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Open {
				return opener(t, pooler.URL(server.Fresh(t), "default_query_exec_mode="+mode))
			})
		})
	}
}

func opener(t *testing.T, url string) storetest.Open {
	return func() (task.Store, error) { return sqlstore.Open(t.Context(), url, sqlstore.Options{}) }
}

// TestPostgresOutage takes the server away and brings it back: calls fail as unavailable, soon, and then work again
// with the connections that broke replaced.
func TestPostgresOutage(t *testing.T) {
	server := pgtest.Own(t, false)
	store := openStore(t, server.URL("postgres"))
	made := create(t, store, "there")
	warm(t, store)
	server.Kill()
	start := time.Now()
	for range 10 {
		if _, err := store.Get(t.Context(), "ann", made.ID); !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("Get without a server: %v", err)
		}
		if _, err := store.Toggle(t.Context(), "ann", made.ID, task.Match{}); !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("Toggle without a server: %v", err)
		}
	}
	if err := store.Ping(t.Context()); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("Ping without a server: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("21 calls without a server took %v", took)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Get(t.Context(), "ann", made.ID); err != nil || got != made {
		t.Errorf("Get after a restart: %+v, %v", got, err)
	}
}

// TestPostgresReadsOutliveTheirConnections: idle connections that an administrator or a restart has ended cost no
// reader an error.
func TestPostgresReadsOutliveTheirConnections(t *testing.T) {
	server := pgtest.Shared(t)
	database := server.Fresh(t)
	store := openStore(t, server.URL(database))
	made := create(t, store, "there")
	for range 3 {
		warm(t, store)
		end := `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + database + `'`
		if err := server.Exec(t.Context(), "postgres", end); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Get(t.Context(), "ann", made.ID); err != nil || got != made {
			t.Errorf("Get: %+v, %v", got, err)
		}
	}
}

// warm opens several connections.
func warm(t *testing.T, store *sqlstore.Store) {
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 20 {
				if err := store.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
}
