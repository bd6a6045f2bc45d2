package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree maps absolute paths to the entries of a layer.
type tree map[string]entry

// entry is a folder, a symbolic link, or a file with the content of a file of this machine.
type entry struct {
	mode   fs.FileMode
	source string
	link   string
}

// put adds an entry and its parent folders.
func (t tree) put(path string, e entry) {
	t[path] = e
	for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
		if _, known := t[dir]; !known {
			t[dir] = entry{mode: fs.ModeDir | 0o755}
		}
	}
}

// include adds a path of this machine, with the symbolic links on it and their targets.
func (t tree) include(path string) error {
	parts := strings.Split(strings.Trim(filepath.Clean(path), "/"), "/")
	for i := range parts {
		here := "/" + filepath.Join(parts[:i+1]...)
		e, err := read(here)
		if err != nil {
			return err
		}
		t.put(here, e)
		if e.link == "" {
			continue
		}
		if _, err := os.Stat(here); errors.Is(err, fs.ErrNotExist) {
			return nil // the target does not exist on this machine either
		}
		target := e.link
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(here), target)
		}
		return t.include(filepath.Join(append([]string{target}, parts[i+1:]...)...))
	}
	return nil
}

// copy adds a file, or a folder with its content, at another path.
func (t tree) copy(source, target string) error {
	source, err := filepath.EvalSymlinks(source)
	if err != nil {
		return err
	}
	return filepath.WalkDir(source, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		e, err := read(path)
		if err == nil {
			t.put(filepath.Join("/", target, strings.TrimPrefix(path, source)), e)
		}
		return err
	})
}

// read returns the entry of a path. All users may read it, and execute it if any user may, so that the umask of its
// creator makes no difference.
func read(path string) (entry, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return entry{}, err
	}
	e := entry{mode: info.Mode().Type() | 0o644, source: path}
	if info.IsDir() || info.Mode()&0o111 != 0 {
		e.mode |= 0o111
	}
	switch info.Mode().Type() {
	case 0, fs.ModeDir:
		return e, nil
	case fs.ModeSymlink:
		e.link, err = os.Readlink(path)
		return e, err
	default:
		return entry{}, fmt.Errorf("%s is neither a file, nor a folder, nor a link", path)
	}
}

// layer returns the tree as an archive that is sorted, has no times, and belongs to root.
func (t tree) layer() ([]byte, error) {
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	for _, path := range slices.Sorted(maps.Keys(t)) {
		if err := t[path].write(archive, strings.TrimPrefix(path, "/")); err != nil {
			return nil, fmt.Errorf("archiving %s: %w", path, err)
		}
	}
	err := archive.Close()
	return layer.Bytes(), err
}

func (e entry) write(archive *tar.Writer, name string) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(e.mode.Perm())}
	var content []byte
	switch {
	case e.mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
		if e.mode&fs.ModeSticky != 0 {
			header.Mode |= 0o1000
		}
	case e.link != "":
		header.Typeflag, header.Linkname = tar.TypeSymlink, e.link
	default:
		var err error
		if content, err = os.ReadFile(e.source); err != nil {
			return err
		}
		header.Size = int64(len(content))
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}
