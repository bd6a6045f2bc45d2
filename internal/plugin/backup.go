package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/remotecommand"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// sqliteMagic begins every SQLite file.
const sqliteMagic = "SQLite format 3\x00"

// backupCommand returns the command that copies the tasks of an app.
func backupCommand(c *cluster) *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "backup NAME > FILE",
		Short: "Copy the tasks of a TodoApp that stores them in SQLite",
		Long: "Copy the tasks of a TodoApp that stores them in SQLite, while it is in use. The copy is consistent and checked, and any " +
			"SQLite can read it. For PostgreSQL use pg_dump.",
		Example: "  kubectl todoapp backup shop > tasks.db\n  kubectl todoapp backup shop -f tasks.db",
		Args:    oneName, ValidArgsFunction: c.completeApps(1),
	}
	command.Flags().StringVarP(&file, "file", "f", "", "write to this new `file`, which appears when it is complete")
	rights := append(onApps("get"), right{verb: "list", resource: "pods"},
		right{verb: "create", resource: "pods", subresource: "exec"})
	command.RunE = c.connected(rights, func(ctx context.Context, args []string) error {
		if file == "" && isTerminal(c.Out) {
			return usagef("a backup is no text for a terminal: add > FILE, or -f FILE")
		}
		app, err := c.app(ctx, args[0])
		if err != nil {
			return err
		}
		if err := hasFile(app); err != nil {
			return err
		}
		if file == "" {
			return c.backUp(ctx, app, c.Out)
		}
		return c.backUpTo(ctx, app, file)
	})
	return command
}

// hasFile returns an error unless the embedded API of an app stores its tasks in a file.
func hasFile(app *todov1.TodoApp) error {
	switch {
	case !embedded(app):
		return fmt.Errorf("the backend of TodoApp %s is an image of your own: back up its data as it asks for", app.Name)
	case !desired.UsesSQLite(app):
		return fmt.Errorf("TodoApp %s stores its tasks in PostgreSQL: use pg_dump and pg_restore", app.Name)
	}
	return nil
}

// backUp writes a backup, and reports its size.
func (c *cluster) backUp(ctx context.Context, app *todov1.TodoApp, to io.Writer) error {
	pods, err := c.pods(ctx, app)
	if err != nil {
		return err
	}
	pod := readyBackend(app, pods)
	if pod == nil {
		return fmt.Errorf("no pod of the backend is ready: see kubectl todoapp status %s", app.Name)
	}
	var said, head bytes.Buffer
	n := &counter{Writer: io.MultiWriter(to, &limited{&head, len(sqliteMagic)})}
	stop := c.showProgress("received", n)
	err = c.execute(ctx, pod, []string{"/todoapp-operator", "api", "backup", "-"},
		remotecommand.StreamOptions{Stdout: n, Stderr: &said})
	stop()
	switch {
	case err != nil:
		return fmt.Errorf("backing up: %w: %s", err, strings.TrimSpace(said.String()))
	case head.String() != sqliteMagic:
		return errors.New("the pod sent no SQLite file: the backup is of no use")
	}
	c.notef("%s", backedUpText(app, n.bytes.Load()))
	return nil
}

// backedUpText describes a finished backup.
func backedUpText(app *todov1.TodoApp, bytes int64) string {
	return fmt.Sprintf("backed up TodoApp %s: %s", app.Name, size(bytes))
}

// limited keeps the first bytes that are written.
type limited struct {
	*bytes.Buffer
	most int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if free := l.most - l.Len(); free > 0 {
		l.Buffer.Write(p[:min(free, len(p))])
	}
	return len(p), nil
}

// readyBackend returns a pod of the embedded API that is ready; nil if there is none.
func readyBackend(app *todov1.TodoApp, pods []corev1.Pod) *corev1.Pod {
	for i := range pods {
		if reloads(app, &pods[i]) && podReady(&pods[i]) && pods[i].DeletionTimestamp == nil {
			return &pods[i]
		}
	}
	return nil
}

// backUpTo writes a backup to a new file. If it fails, there is no file.
func (c *cluster) backUpTo(ctx context.Context, app *todov1.TodoApp, path string) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists: choose another name", path)
	}
	partial, err := os.CreateTemp(filepath.Dir(path), ".todoapp-backup-")
	if err != nil {
		return fmt.Errorf("creating the backup: %w", err)
	}
	defer func() { _ = os.Remove(partial.Name()) }()
	if err := errors.Join(c.backUp(ctx, app, partial), partial.Sync(), partial.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial.Name(), path); err != nil {
		return fmt.Errorf("naming the backup: %w", err)
	}
	return nil
}
