//go:build unix

package taskapi

import "syscall"

// keepFilesPrivate makes the store's file, and the files that SQLite adds to it, readable for this user only.
func keepFilesPrivate() { syscall.Umask(0o077) }
