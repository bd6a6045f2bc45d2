package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestImageOfABinary(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "tool")
	write(t, binary, "\x7fELF", 0o700)
	config, files := opened(t, ofBinary(binary))
	if config.User != "65532:65532" || config.WorkingDir != "/" || !slices.Equal(config.Entrypoint, []string{"/tool"}) {
		t.Errorf("config is %+v", config)
	}
	if h := files["tool"]; h.Mode != 0o755 || h.Uid != 0 || !h.ModTime.IsZero() && h.ModTime.Unix() != 0 {
		t.Errorf("the binary is %+v", h)
	}
	if h := files["tmp/"]; h.Mode != 0o1777 {
		t.Errorf("/tmp is %+v", h)
	}
}

// TestImageOfASpec copies files beside the spec. The image must be the same whoever created the files, and when.
func TestImageOfASpec(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "image.yaml"), `
copy: {/app: site, /etc/tool.conf: conf}
env: {B: "2", A: "1"}
workingDir: /app
entrypoint: [/app/run, fast]
`, 0o600)
	write(t, filepath.Join(dir, "site/sub/page"), "hello", 0o600)
	write(t, filepath.Join(dir, "site/run"), "#!", 0o700)
	write(t, filepath.Join(dir, "conf"), "x", 0o640)
	if err := os.Symlink("sub/page", filepath.Join(dir, "site/index")); err != nil {
		t.Fatal(err)
	}
	spec, err := readSpec(filepath.Join(dir, "image.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config, files := opened(t, spec)
	if !slices.Equal(config.Env, []string{"A=1", "B=2"}) || config.WorkingDir != "/app" || len(config.Entrypoint) != 2 {
		t.Errorf("config is %+v", config)
	}
	for name, want := range map[string]tar.Header{
		"app/":          {Typeflag: tar.TypeDir, Mode: 0o755},
		"app/sub/":      {Typeflag: tar.TypeDir, Mode: 0o755},
		"app/sub/page":  {Typeflag: tar.TypeReg, Mode: 0o644, Size: 5},
		"app/run":       {Typeflag: tar.TypeReg, Mode: 0o755, Size: 2},
		"app/index":     {Typeflag: tar.TypeSymlink, Mode: 0o755, Linkname: "sub/page"},
		"etc/":          {Typeflag: tar.TypeDir, Mode: 0o755},
		"etc/tool.conf": {Typeflag: tar.TypeReg, Mode: 0o644, Size: 1},
	} {
		got := files[name]
		if got == nil || got.Typeflag != want.Typeflag || got.Mode != want.Mode ||
			got.Size != want.Size || got.Linkname != want.Linkname {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
}

func TestSpecMistakes(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "image.yaml"), "entrypont: [/run]", 0o600)
	if _, err := readSpec(filepath.Join(dir, "image.yaml")); err == nil || !strings.Contains(err.Error(), "entrypont") {
		t.Errorf("a misspelt field: %v", err)
	}
	for _, spec := range []imageSpec{
		{Programs: []string{"/no/such/program"}},
		{Copy: map[string]string{"/app": filepath.Join(dir, "nothing")}},
		{Copy: map[string]string{"/null": "/dev/null"}},
	} {
		if err := spec.write(t.Context(), "tool:dev", filepath.Join(dir, "image.tar")); err == nil {
			t.Errorf("%+v makes an image", spec)
		}
	}
}

// TestImageStarts runs a program with only the files of its image, as the image's user.
func TestImageStarts(t *testing.T) {
	for name, spec := range map[string]imageSpec{
		"program": {Programs: []string{"/usr/bin/sort"}},
		"package": {Packages: []string{"coreutils"}, Without: []string{"debconf"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			archive := filepath.Join(root, "image.tar")
			if err := spec.write(t.Context(), "tool:dev", archive); err != nil {
				t.Fatal(err)
			}
			_, layer := layerOf(t, archive)
			unpack(t, layer, root)
			cmd := exec.CommandContext(t.Context(), "/usr/bin/sort", "--version")
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Cloneflags: syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: nonRoot, HostID: os.Getuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: nonRoot, HostID: os.Getgid(), Size: 1}}}
			cmd.Dir, cmd.Env = "/", []string{}
			if said, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(said), "GNU coreutils") {
				t.Errorf("sort says %q, %v", said, err)
			}
		})
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// opened builds an image twice, fails unless both archives are equal, and returns the content.
func opened(t *testing.T, spec imageSpec) (v1.Config, map[string]*tar.Header) {
	t.Helper()
	var archives [2][]byte
	path := filepath.Join(t.TempDir(), "image.tar")
	for i := range archives {
		if err := spec.write(t.Context(), "tool:dev", path); err != nil {
			t.Fatal(err)
		}
		var err error
		if archives[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the same files made two different images")
	}
	names, err := namesIn(path)
	if err != nil || !slices.Equal(names, []string{"docker.io/library/tool:dev"}) {
		t.Errorf("names are %v, %v", names, err)
	}
	config, layer := layerOf(t, path)
	files := map[string]*tar.Header{}
	var order []string
	each(t, layer, func(h *tar.Header, _ io.Reader) {
		files[h.Name] = h
		order = append(order, strings.TrimSuffix(h.Name, "/"))
	})
	if !slices.IsSorted(order) {
		t.Errorf("the layer is not sorted: %q", order)
	}
	return config, files
}

// layerOf returns the configuration and the only layer of an archive's image.
func layerOf(t *testing.T, archive string) (v1.Config, io.Reader) {
	t.Helper()
	image, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("layers: %v, %v", layers, err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = content.Close() })
	return file.Config, content
}

func each(t *testing.T, layer io.Reader, see func(*tar.Header, io.Reader)) {
	t.Helper()
	for reader := tar.NewReader(layer); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		see(header, reader)
	}
}

func unpack(t *testing.T, layer io.Reader, root string) {
	t.Helper()
	each(t, layer, func(h *tar.Header, content io.Reader) {
		path := filepath.Join(root, h.Name)
		var err error
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.Mkdir(path, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(h.Linkname, path)
		default:
			var file *os.File
			if file, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, os.FileMode(h.Mode)); err == nil {
				_, err = io.Copy(file, content)
				err = errors.Join(err, file.Close())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
