package sqlstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// openStore opens a store that is closed when the test ends.
func openStore(t testing.TB, url string) *sqlstore.Store {
	t.Helper()
	return openWith(t, url, sqlstore.Options{})
}

func openWith(t testing.TB, url string, options sqlstore.Options) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), url, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func create(t testing.TB, store task.Store, title string) task.Task {
	t.Helper()
	made, err := store.Create(t.Context(), "ann", task.Draft{Title: title}, task.Attempt{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// bothURLs are a fresh database of each kind.
func bothURLs(t testing.TB) map[string]string {
	server := pgtest.Shared(t)
	return map[string]string{"sqlite": sqliteURL(t), "postgres": server.URL(server.Fresh(t))}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "text"), []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"":                                    "must begin with",
		"mysql://u:hunter2@h/d":               "must begin with",
		"hunter2":                             "must begin with",
		"sqlite:/data/tasks.db":               "must begin with",
		"sqlite://":                           "names no file",
		"sqlite:///data/":                     "names no file",
		"sqlite://:memory:":                   "must name a file",
		"sqlite:///data/tasks.db?mode=memory": "no parameters",
		"sqlite:///%zz":                       "invalid URL escape",
		"sqlite://" + folder + "/none/t.db":   "no such file or directory",
		"sqlite://" + folder + "/text":        "not a database",
		"sqlite://" + folder:                  "unable to open",

		"postgres://u:hunter2%zz@h/d":                  "percent-encode",
		"postgres://u:hunter2@h:port/d":                "malformed",
		"postgres://u:hunter2/@h:5432/d":               "malformed",
		"postgres://u:hunter2@h/d?sslmode=hunter2":     "sslmode",
		"postgres://u@h/d?password=hunter2&sslmode=no": "sslmode",
		"postgres://u:hunter2@h/d?pool_max_conns=many": "pool_max_conns",
		"postgres://u:hunter2@h/d?channel_binding=x":   "channel_binding",
		"postgres://u:hunter2@127.0.0.1:1/d":           "refused",
		"postgresql://u:hunter2@no-host.invalid:1/d":   "no-host.invalid",
	} {
		_, err := sqlstore.Open(t.Context(), url, sqlstore.Options{})
		if err == nil {
			t.Fatalf("%q was opened", url)
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") && url != "hunter2" {
			t.Errorf("%q: error %v, want one about %q without the password", url, err, want)
		}
		unreachable := strings.Contains(url, ":1/")
		if errors.Is(err, task.ErrUnavailable) != unreachable && !strings.HasPrefix(url, "sqlite") {
			t.Errorf("%q: error %v, which is unavailable: %v", url, err, !unreachable)
		}
	}
}

func TestOpenNamesTheDatabaseThatIsMissing(t *testing.T) {
	_, err := sqlstore.Open(t.Context(), pgtest.Shared(t).URL("absent"), sqlstore.Options{})
	if err == nil || !strings.Contains(err.Error(), `database "absent" does not exist`) {
		t.Errorf("error %v", err)
	}
}

func TestSQLiteURLs(t *testing.T) {
	t.Chdir(t.TempDir())
	for url, file := range map[string]string{
		"sqlite://relative.db":                    "relative.db",
		"sqlite://" + t.TempDir() + "/a%3Fb c.db": "",
		"sqlite://file:odd%23name.db":             "file:odd#name.db",
	} {
		create(t, openStore(t, url), "there")
		if _, err := os.Stat(file); file != "" && err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestClock covers what depends on the time of day: dates, their order, and forgetting attempts.
func TestClock(t *testing.T) {
	for kind, url := range bothURLs(t) {
		t.Run(kind, func(t *testing.T) {
			now := time.Date(2026, 2, 28, 23, 59, 59, 123456789, time.FixedZone("", 3600))
			store := openWith(t, url, sqlstore.Options{Now: func() time.Time { return now }})
			start := now.UTC().Truncate(time.Microsecond)

			first, second := create(t, store, "first"), create(t, store, "second")
			if first.CreatedAt != start || first.UpdatedAt != start {
				t.Errorf("created at %v, want %v", first.CreatedAt, start)
			}
			page, err := store.List(t.Context(), "ann", task.Filter{Limit: 10})
			if err != nil || page.Tasks[0] != second || page.Tasks[1] != first {
				t.Errorf("tasks of one moment are not listed by id: %+v, %v", page, err)
			}
			now = now.Add(-time.Hour)
			if got, err := store.Toggle(t.Context(), "ann", first.ID, task.Match{}); err != nil || got.UpdatedAt != start {
				t.Errorf("a clock that went back gives %v, %v", got.UpdatedAt, err)
			}
			now = now.Add(2 * time.Hour)
			if got, err := store.Toggle(t.Context(), "ann", first.ID, task.Match{}); err != nil || got.UpdatedAt != start.Add(time.Hour) {
				t.Errorf("an hour later gives %v, %v", got.UpdatedAt, err)
			}
		})
	}
}

func TestAttemptsAreForgottenAfterADay(t *testing.T) {
	for kind, url := range bothURLs(t) {
		t.Run(kind, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			store := openWith(t, url, sqlstore.Options{Now: func() time.Time { return now }})
			try := func(key string, body byte) (task.Task, error) {
				return store.Create(t.Context(), "ann", task.Draft{Title: key}, task.Attempt{Key: key, Fingerprint: [32]byte{body}})
			}
			first, err := try("key", 1)
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(24 * time.Hour)
			if again, err := try("key", 1); err != nil || again != first {
				t.Errorf("within 24 hours: %+v, %v", again, err)
			}
			if _, err := try("key", 2); !errors.Is(err, task.ErrAttemptDiffers) {
				t.Errorf("within 24 hours, with another body: %v", err)
			}
			now = now.Add(time.Microsecond)
			later, err := try("key", 2)
			if err != nil || later.ID == first.ID {
				t.Errorf("after 24 hours: %+v, %v", later, err)
			}
			if again, err := try("key", 2); err != nil || again != later {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
}
