package sqlstore_test

import (
	"os"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestPostgres(t *testing.T) {
	server := pgtest.Shared(t)
	storetest.Run(t, func(t *testing.T) storetest.Open {
		url := server.URL(server.Fresh(t))
		return func() (task.Store, error) { return sqlstore.Open(t.Context(), url, sqlstore.Options{}) }
	})
}
