package sqlstore_test

import (
	"errors"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// TestAServerThatDiesDuringTheStart is unavailable, whatever of the schema was under way.
func TestAServerThatDiesDuringTheStart(t *testing.T) {
	server := pgtest.Own(t, false)
	url := server.URL("postgres")
	openStore(t, url)
	const older = `UPDATE todoapp_schema SET version = 0`
	for _, held := range []string{`LOCK TABLE todoapp_schema`, `LOCK TABLE todoapp_tasks`} {
		if err := server.Exec(t.Context(), "postgres", older); err != nil {
			t.Fatal(err)
		}
		lock(t, url, held)
		opened := make(chan error, 1)
		go func() {
			_, err := sqlstore.Open(t.Context(), url, sqlstore.Options{})
			opened <- err
		}()
		awaitWaiting(t, url)
		server.Kill()
		if err := <-opened; !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("%s: opening fails with %v", held, err)
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	}
}
