//go:build !unix

package taskapi

// keepFilesPrivate does nothing, because this system has no umask. The permissions of the folder count.
func keepFilesPrivate() {}
