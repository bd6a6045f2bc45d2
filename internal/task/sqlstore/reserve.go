package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ncruces/go-sqlite3"
)

const (
	// reserveSize is twice what the write-ahead log grows to before SQLite moves it into the file. Moving the log into a
	// file that must grow may need as much space as the log has.
	reserveSize = 8 << 20
	// smallestReserve is enough for one write.
	smallestReserve = 128 << 10
	// roomSize is the free space from which a volume no longer counts as full. The reserve leaves it to the write-ahead log,
	// which a new task needs even if the file has free pages.
	roomSize = 256 << 10
)

// reserve is a file beside the SQLite file that keeps space on the volume for deletes. The writer's connection guards it.
type reserve struct {
	path string
	// short is set while the file is missing or smaller than it should be.
	short bool
}

// fill allocates the file if it is missing, with half the size and less if the volume has no more space.
func (r *reserve) fill() error {
	if info, err := os.Stat(r.path); err == nil && info.Size() == reserveSize {
		r.short = false
		return nil
	}
	r.short = true
	for size := int64(reserveSize); size >= smallestReserve; size /= 2 {
		err := r.fits(size + roomSize)
		if err == nil {
			err = allocate(r.path, size)
		}
		switch {
		case err == nil:
			r.short = size < reserveSize
			return nil
		case !spaceless(err):
			return fmt.Errorf("keeping space for deletes: %w", err)
		}
	}
	return nil // the volume is full
}

// release frees the space, and reports whether there was any.
func (r *reserve) release() bool {
	r.short = true
	return os.Remove(r.path) == nil
}

// allocate makes a file of the size, or no file.
func allocate(path string, size int64) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(occupy(file, size), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// refill fills the reserve again after a delete, if it is short. Before, it empties the write-ahead log: the deleted tasks
// become free pages of the file, and the log's space goes back to the volume.
func (s *sqlite) refill(conn *sqliteConn) {
	if !s.reserve.short {
		return
	}
	if err := errors.Join(conn.emptyLog(), s.reserve.fill()); err != nil && !s.outOfSpace(err, 1) {
		s.report(fmt.Errorf("freeing space after a delete: %w", err))
	}
}

// emptyLog moves the write-ahead log into the file and gives its space back to the volume.
func (c *sqliteConn) emptyLog() error { return c.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`) }

// writeError gives the error of a write its kind.
func (s *sqlite) writeError(ctx context.Context, err error) error {
	if err != nil && s.outOfSpace(err, 1) {
		return full(err)
	}
	return sqliteError(ctx, err)
}

// room reports whether the volume has space for writes again.
func (s *sqlite) room() bool { return s.reserve.fits(roomSize) == nil }

// outOfSpace reports whether a transaction of so many writes failed because the volume is full. SQLite's driver calls most of
// these errors I/O errors, so it asks the volume whether there is enough space.
func (s *sqlite) outOfSpace(err error, writes int) bool {
	return errors.Is(err, sqlite3.FULL) ||
		errors.Is(err, sqlite3.IOERR) && spaceless(s.reserve.fits(int64(writes)*smallestReserve))
}

// fits allocates a file of the size on the volume and removes it.
func (r *reserve) fits(size int64) error {
	folder, err := os.MkdirTemp(filepath.Dir(r.path), Unfinished)
	if err != nil {
		return fmt.Errorf("looking for space: %w", err)
	}
	return errors.Join(allocate(filepath.Join(folder, "space"), size), os.RemoveAll(folder))
}

// spaceless reports whether a file could not grow because the volume or the quota is used up.
func spaceless(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// writeRandom fills a file with bytes that no file system can compress.
func writeRandom(file *os.File, size int64) error {
	_, err := io.CopyN(file, rand.Reader, size)
	return errors.Join(err, file.Sync())
}
