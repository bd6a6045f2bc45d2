//go:build !unix

package apiserver

// keepFilesPrivate does nothing where there is no umask: the folder's permissions count.
func keepFilesPrivate() {}
