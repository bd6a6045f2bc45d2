package keysource

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// mount imitates how the kubelet delivers a Secret: files are links through ..data, which is swapped by a rename;
// what it led to before goes at last.
type mount struct {
	t          *testing.T
	dir        string
	generation int
}

func newMount(t *testing.T, files map[string]string) *mount {
	m := &mount{t: t, dir: t.TempDir()}
	m.swap(files)
	return m
}

func (m *mount) swap(files map[string]string) {
	m.t.Helper()
	m.generation++
	name := fmt.Sprint("..gen", m.generation)
	m.must(os.Mkdir(filepath.Join(m.dir, name), 0o700))
	for file, content := range files {
		write(m.t, filepath.Join(m.dir, name, file), content)
	}
	m.must(os.Symlink(name, filepath.Join(m.dir, "..data_tmp")))
	m.must(os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")))
	for _, file := range []string{listName, singleName} {
		link := filepath.Join(m.dir, file)
		_, wanted := files[file]
		_, err := os.Lstat(link)
		switch {
		case wanted && err != nil:
			m.must(os.Symlink(filepath.Join("..data", file), link))
		case !wanted && err == nil:
			m.must(os.Remove(link))
		}
	}
	m.must(os.RemoveAll(filepath.Join(m.dir, fmt.Sprint("..gen", m.generation-1))))
}

func (m *mount) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
