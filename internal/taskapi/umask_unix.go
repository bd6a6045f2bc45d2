//go:build unix

package taskapi

import "syscall"

// keepFilesPrivate makes the store's file, and those that SQLite lays beside it, readable for this user alone.
func keepFilesPrivate() { syscall.Umask(0o077) }
