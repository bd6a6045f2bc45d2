package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	nonRoot = 65532
	// Roots of trust for TLS to servers outside, where Go looks for them.
	trustedRoots = "etc/ssl/certs/ca-certificates.crt"
)

// imageSpec describes an image of one static binary. The same binary makes the
// same image, bit by bit.
type imageSpec struct {
	binary string
	tag    string
	out    string // the archive to write, as "docker save" would
	roots  string // trusted root certificates to include; empty for none
	labels map[string]string
}

// write builds the image and writes its archive.
func (s imageSpec) write() error {
	tag, err := name.NewTag(s.tag)
	if err != nil {
		return fmt.Errorf("reading image tag: %w", err)
	}
	image, err := s.build()
	if err != nil {
		return fmt.Errorf("building image %s: %w", s.tag, err)
	}
	if err := os.MkdirAll(filepath.Dir(s.out), 0o755); err != nil {
		return err
	}
	if err := tarball.WriteToFile(s.out, tag, image); err != nil {
		return fmt.Errorf("writing image %s: %w", s.tag, err)
	}
	return nil
}

func (s imageSpec) build() (v1.Image, error) {
	files, err := s.files()
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, static.NewLayer(files, types.DockerUncompressedLayer))
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config = v1.Config{
		Entrypoint: []string{"/" + filepath.Base(s.binary)},
		User:       fmt.Sprintf("%d:%d", nonRoot, nonRoot),
		WorkingDir: "/",
		Labels:     s.labels,
	}
	return mutate.ConfigFile(image, file)
}

// files returns the layer: the binary, certificates and an open /tmp. Times
// and owners are left at zero.
func (s imageSpec) files() ([]byte, error) {
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	binary, err := os.ReadFile(s.binary)
	if err != nil {
		return nil, err
	}
	entries := []error{
		addFile(archive, filepath.Base(s.binary), binary, 0o755),
		archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}),
	}
	if s.roots != "" {
		roots, err := os.ReadFile(s.roots)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, dir := range []string{"etc/", "etc/ssl/", "etc/ssl/certs/"} {
			entries = append(entries, archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}))
		}
		entries = append(entries, addFile(archive, trustedRoots, roots, 0o644))
	}
	err = errors.Join(append(entries, archive.Close())...)
	return layer.Bytes(), err
}

func addFile(archive *tar.Writer, path string, content []byte, mode int64) error {
	err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: mode, Size: int64(len(content))})
	if err != nil {
		return err
	}
	_, err = archive.Write(content)
	return err
}
