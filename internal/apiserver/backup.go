package apiserver

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// backup is the api backup command: it copies a SQLite store, also while an API writes to it, to a new file.
func backup(ctx context.Context, s settings, rest []string, stdout io.Writer) error {
	if len(rest) != 1 {
		return errors.New("name one destination: the file that the backup becomes")
	}
	if err := sqlstore.Backup(ctx, s.databaseURL, rest[0]); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "backed up to %s\n", rest[0]); err != nil {
		return fmt.Errorf("reporting the backup: %w", err)
	}
	return nil
}
