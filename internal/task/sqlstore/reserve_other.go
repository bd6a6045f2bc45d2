//go:build !linux

package sqlstore

import "os"

// occupy gives the file its space.
func occupy(file *os.File, size int64) error { return writeRandom(file, size) }
