package sqlstore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// occupy gives the file its space without writing it, unless the file system cannot do that.
func occupy(file *os.File, size int64) error {
	err := unix.Fallocate(int(file.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return writeRandom(file, size)
	}
	return err
}
