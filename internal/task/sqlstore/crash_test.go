package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// crashes is how many times each test kills a process at a random moment of a write load.
const crashes = 100

// TestSQLiteLosesNothingAcknowledged kills the process that has the file open.
func TestSQLiteLosesNothingAcknowledged(t *testing.T) {
	url := sqliteURL(t)
	loseNothing(t, crashes, url, func(kept *ledger) { kept.writeInProcess(t, url, kept.killSoonAfterFirst) })
	// A backup also checks the integrity of its copy.
	if err := sqlstore.Backup(t.Context(), url, filepath.Join(t.TempDir(), "b")); err != nil {
		t.Error(err)
	}
}

// TestPostgresLosesNothingAcknowledged kills the server or the client.
func TestPostgresLosesNothingAcknowledged(t *testing.T) {
	server := pgtest.Own(t, true)
	url := server.URL("postgres")
	store := openStore(t, url)
	t.Run("server", func(t *testing.T) {
		loseNothing(t, crashes*3/4, url, func(kept *ledger) { kept.writeThroughOutage(t, store, server) })
	})
	t.Run("client", func(t *testing.T) {
		loseNothing(t, crashes/4, url, func(kept *ledger) { kept.writeInProcess(t, url, kept.killSoonAfterFirst) })
	})
}

// TestAKillDuringTheStartLosesNothing: the schema is whole or not there, and the next start goes on with it.
func TestAKillDuringTheStartLosesNothing(t *testing.T) {
	const kills = 10
	server := pgtest.Shared(t)
	for name, fresh := range map[string]func() string{
		"SQLite":     func() string { return sqliteURL(t) },
		"PostgreSQL": func() string { return server.URL(server.Fresh(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			for range kills {
				url, kept := fresh(), newLedger()
				kept.writeInProcess(t, url, func(kill func()) {
					<-time.After(rand.N(60 * time.Millisecond))
					kill()
				})
				kept.check(t, url)
				create(t, openStore(t, url), "after")
			}
		})
	}
}

// loseNothing checks what was acknowledged after every crash, and all of it again at the end.
func loseNothing(t *testing.T, crashes int, url string, crash func(*ledger)) {
	all := newLedger()
	for round := range crashes {
		kept := newLedger()
		crash(kept)
		if len(kept.promises) == 0 {
			t.Fatalf("round %d acknowledged nothing", round)
		}
		kept.check(t, url)
		for id, promise := range kept.promises {
			all.promises[id] = promise
		}
		if t.Failed() {
			return
		}
	}
	all.check(t, url)
	t.Logf("%d crashes, %d tasks acknowledged", crashes, len(all.promises))
}

// promise is what the store has acknowledged of a task.
type promise struct {
	title    string
	revision int64
	// leaving is set before the task is deleted and gone after it was.
	leaving, gone bool
}

// ledger is what a store has acknowledged before a crash.
type ledger struct {
	mu       sync.Mutex
	promises map[int64]promise
	first    chan struct{} // closed at the first acknowledgement
}

func newLedger() *ledger {
	return &ledger{promises: map[int64]promise{}, first: make(chan struct{})}
}

func (l *ledger) note(id int64, made promise) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.promises) == 0 {
		close(l.first)
	}
	l.promises[id] = made
}

// check compares a store with the ledger.
func (l *ledger) check(t *testing.T, url string) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), url, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range l.promises {
		got, err := store.Get(t.Context(), "ann", id)
		switch {
		case errors.Is(err, task.ErrNotFound) && (want.leaving || want.gone):
		case err != nil:
			t.Errorf("acknowledged task %d: %v", id, err)
		case want.gone || got.Title != want.title || got.Revision < want.revision:
			t.Errorf("acknowledged %+v, found %+v", want, got)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// write creates, changes and deletes tasks until the store fails, and tells each acknowledgement.
func write(ctx context.Context, store task.Store, writer int, tell func(int64, promise)) error {
	for i := 0; ; i++ {
		title := fmt.Sprintf("%d-%d", writer, i)
		attempt := task.Attempt{}
		if i%2 == 1 {
			attempt.Key = fmt.Sprint(title, rand.Int64())
		}
		made, err := store.Create(ctx, "ann", task.Draft{Title: title}, attempt)
		if err != nil {
			return err
		}
		tell(made.ID, promise{title: title, revision: 1})
		if _, err := store.Toggle(ctx, "ann", made.ID, task.Match{}); err != nil {
			return err
		}
		tell(made.ID, promise{title: title, revision: 2, leaving: i%3 == 0})
		if i%3 == 0 {
			if _, err := store.Delete(ctx, "ann", made.ID, task.Match{}); err != nil {
				return err
			}
			tell(made.ID, promise{title: title, gone: true})
		}
	}
}

const writers = 16

// crashWriterURL has the test binary write to a store, and print what was acknowledged, until it is killed.
const crashWriterURL = "TODOAPP_TEST_CRASH_WRITER_URL"

func writeUntilKilled(url string) {
	store, err := sqlstore.Open(context.Background(), url, sqlstore.Options{})
	if err != nil {
		panic(err)
	}
	for writer := range writers {
		go func() {
			panic(write(context.Background(), store, writer, func(id int64, made promise) {
				line := fmt.Sprintf("%d %s %d %t %t\n", id, made.title, made.revision, made.leaving, made.gone)
				if _, err := os.Stdout.WriteString(line); err != nil {
					panic(err)
				}
			}))
		}()
	}
	select {}
}

// writeInProcess has a writing process killed.
func (l *ledger) writeInProcess(t *testing.T, url string, end func(kill func())) {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), crashWriterURL+"="+url)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() { read <- l.read(output) }()
	end(func() { _ = command.Process.Kill() })
	if err := <-read; err != nil {
		t.Error(err)
	}
	_ = command.Wait() // it says that it was killed
}

func (l *ledger) read(output io.Reader) error {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var id int64
		var made promise
		if _, err := fmt.Sscan(lines.Text(), &id, &made.title, &made.revision, &made.leaving, &made.gone); err != nil {
			return fmt.Errorf("acknowledgement %q: %w", lines.Text(), err)
		}
		l.note(id, made)
	}
	return lines.Err()
}

// writeThroughOutage kills the server.
func (l *ledger) writeThroughOutage(t *testing.T, store task.Store, server *pgtest.Server) {
	var running sync.WaitGroup
	for writer := range writers {
		running.Go(func() {
			if err := write(t.Context(), store, writer, l.note); !errors.Is(err, task.ErrUnavailable) {
				t.Errorf("writing while the server is killed: %v", err)
			}
		})
	}
	l.killSoonAfterFirst(server.Kill)
	running.Wait()
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
}

// killSoonAfterFirst kills at a random moment after the first acknowledgement, between two writes or within one.
func (l *ledger) killSoonAfterFirst(kill func()) {
	<-l.first
	<-time.After(rand.N(25 * time.Millisecond))
	kill()
}
