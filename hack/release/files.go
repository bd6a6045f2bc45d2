package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// file is the content and the mode of a file.
type file struct {
	content []byte
	mode    int64
}

// files maps paths to files. A path that ends in a slash is a folder.
type files map[string]file

func (f files) add(name string, content []byte) { f[name] = file{content, 0o644} }

// archive returns a tar archive of the files and their parent folders. It is sorted and belongs to root.
func (f files) archive(created time.Time) ([]byte, error) {
	all := maps.Clone(f)
	for name := range f {
		for dir := path.Dir(strings.TrimSuffix(name, "/")); dir != "."; dir = path.Dir(dir) {
			if _, known := all[dir+"/"]; !known {
				all[dir+"/"] = file{mode: 0o755}
			}
		}
	}
	var buffer bytes.Buffer
	out := tar.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := all[name]
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: f.mode, Size: int64(len(f.content)), ModTime: created}
		if strings.HasSuffix(name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := out.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("archiving %s: %w", name, err)
		}
		if _, err := out.Write(f.content); err != nil {
			return nil, fmt.Errorf("archiving %s: %w", name, err)
		}
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("closing the archive: %w", err)
	}
	return buffer.Bytes(), nil
}
