package taskapi

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// TestBackupToStdout restores what a running API's store was streamed as; nothing is left beside the store, also of
// a backup that was killed.
func TestBackupToStdout(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a?b")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	database := "sqlite://" + strings.ReplaceAll(folder, "?", "%3F") + "/tasks.db"
	r := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url="+database)
	alice := tokenFor("alice", "", secret)
	r.want(201, "keep me", "POST", r.api+"/api/alice/tasks", alice, `{"title":"keep me"}`)
	abandoned := filepath.Join(folder, sqlstore.Unfinished+"1")
	long := time.Now().Add(-2 * time.Hour)
	if err := errors.Join(os.Mkdir(abandoned, 0o700), os.Chtimes(abandoned, long, long)); err != nil {
		t.Fatal(err)
	}
	streamed, err := attempt(t, map[string]string{"TASKAPI_DATABASE_URL": database}, "backup", "-")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(copied, []byte(streamed), 0o600); err != nil {
		t.Fatal(err)
	}
	restored := start(t, map[string]string{"BETTER_AUTH_SECRET": secret}, "--database-url=sqlite://"+copied)
	restored.want(200, "keep me", "GET", restored.api+"/api/alice/tasks", alice, "")
	if left, err := fs.Glob(os.DirFS(folder), ".*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
