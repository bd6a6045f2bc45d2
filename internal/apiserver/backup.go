package apiserver

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
)

// backup is the api backup command: it copies a SQLite store, also while an API writes to it, to a new file.
func backup(ctx context.Context, args []string, env func(string) string, stdout io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("todoapp-operator api backup [flags] DESTINATION", flag.ContinueOnError)
	s.defineDatabase(flags)
	rest, err := parse(flags, args, env, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case len(rest) != 1:
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
