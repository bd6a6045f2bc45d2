package taskapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// backup runs the api backup command. It copies a SQLite store to a new file, also while an API writes to it. For the
// destination - it writes to the standard output, because an image without a shell and tar offers no other way to copy a
// file out.
func backup(ctx context.Context, s settings, rest []string, stdout io.Writer) error {
	if len(rest) != 1 {
		return errors.New("name one destination: the file that the backup becomes, or - for the standard output")
	}
	if strings.HasPrefix(s.databaseURL, "sqlite://") && rest[0] == "-" {
		return stream(ctx, s.databaseURL, stdout)
	}
	if err := sqlstore.Backup(ctx, s.databaseURL, rest[0]); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "backed up to %s\n", rest[0]); err != nil {
		return fmt.Errorf("reporting the backup: %w", err)
	}
	return nil
}

// stream writes a backup to the standard output, by way of a file beside the store. In a pod no other folder is writable.
func stream(ctx context.Context, databaseURL string, stdout io.Writer) (err error) {
	path, err := sqlstore.File(databaseURL)
	if err != nil {
		return err
	}
	if err := sqlstore.Sweep(filepath.Dir(path)); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), sqlstore.Unfinished)
	if err != nil {
		return fmt.Errorf("making room for the backup beside the store: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	const name = "tasks.db"
	if err := sqlstore.Backup(ctx, databaseURL, filepath.Join(folder, name)); err != nil {
		return err
	}
	return send(folder, name, stdout)
}

func send(folder, name string, to io.Writer) error {
	file, err := os.OpenInRoot(folder, name)
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	// The name is removed before the file is sent, which may take long: if the process is killed, nothing is left.
	if err := os.RemoveAll(folder); err != nil {
		return errors.Join(fmt.Errorf("removing the backup beside the store: %w", err), file.Close())
	}
	_, err = io.Copy(to, file)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing the backup out: %w", err)
	}
	return nil
}
