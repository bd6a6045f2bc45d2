package taskapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// restore runs the api restore command. It replaces a SQLite store that no process uses by a backup, which it checks first. For the
// source - it reads the standard input, because an image without a shell offers no other way to copy a file in.
func restore(ctx context.Context, s settings, rest []string, stdin io.Reader, stdout io.Writer) (err error) {
	if len(rest) != 1 {
		return errors.New("name one source: the file of a backup, or - for the standard input")
	}
	source := stdin
	if rest[0] != "-" {
		file, err := os.Open(rest[0])
		if err != nil {
			return fmt.Errorf("reading the backup: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		source = file
	}
	if err := sqlstore.Restore(ctx, s.databaseURL, source); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, "restored; ids and revisions are moved on by 1000000"); err != nil {
		return fmt.Errorf("reporting the restore: %w", err)
	}
	return nil
}
