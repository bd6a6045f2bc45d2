//go:build !unix

package taskapi

// keepFilesPrivate does nothing where there is no umask: the folder's permissions count.
func keepFilesPrivate() {}
