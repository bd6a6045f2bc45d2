package sqlstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// Unfinished begins the name of every file and folder that a backup removes again when it ends.
	Unfinished = ".todoapp-backup-"
	// abandonedAfter is the age from which an unfinished backup counts as killed.
	abandonedAfter = time.Hour
)

// Sweep removes the files of backups that were killed more than an hour ago. They may take as much space as the tasks.
func Sweep(folder string) error {
	names, err := fs.Glob(os.DirFS(folder), Unfinished+"*")
	for _, name := range names {
		path := filepath.Join(folder, name)
		info, failure := os.Lstat(path)
		if failure == nil && time.Since(info.ModTime()) > abandonedAfter {
			failure = os.RemoveAll(path)
		}
		if !errors.Is(failure, fs.ErrNotExist) { // it may have ended by now
			err = errors.Join(err, failure)
		}
	}
	if err != nil {
		return fmt.Errorf("removing what is left of earlier backups: %w", err)
	}
	return nil
}
