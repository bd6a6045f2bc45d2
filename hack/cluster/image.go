package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

const (
	nonRoot = 65532
	// These paths hold the root certificates that Go and OpenSSL read.
	trustedRoots = "/etc/ssl/certs/ca-certificates.crt"
)

// imageSpec describes the files of an image and its start command. The same files make the same image, bit by bit.
type imageSpec struct {
	// Programs lists programs of this machine. Each is copied to its own path, with the shared libraries that it loads.
	Programs []string `json:"programs,omitempty"`
	// Packages lists Debian packages. They are copied with their dependencies, except Without and packages that only
	// Without needs. Missing packages are installed on this machine first.
	Packages []string `json:"packages,omitempty"`
	Without  []string `json:"without,omitempty"`
	// Copy maps paths in the image to files or folders, relative to the spec.
	Copy map[string]string `json:"copy,omitempty"`

	Env        map[string]string `json:"env,omitempty"`
	WorkingDir string            `json:"workingDir,omitempty"` // default /
	Entrypoint []string          `json:"entrypoint"`
}

// ofBinary returns the spec of an image with one static binary.
func ofBinary(path string) imageSpec {
	target := "/" + filepath.Base(path)
	return imageSpec{Copy: map[string]string{target: path}, Entrypoint: []string{target}}
}

func readSpec(path string) (imageSpec, error) {
	var s imageSpec
	content, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := yaml.UnmarshalStrict(content, &s); err != nil {
		return s, fmt.Errorf("reading %s: %w", path, err)
	}
	for target, source := range s.Copy {
		if !filepath.IsAbs(source) {
			s.Copy[target] = filepath.Join(filepath.Dir(path), source)
		}
	}
	return s, nil
}

// write builds the image and writes it as an archive in the format of "docker save".
func (s imageSpec) write(ctx context.Context, tag, archive string) error {
	parsed, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("reading image tag: %w", err)
	}
	image, err := s.build(ctx)
	if err != nil {
		return fmt.Errorf("building image %s: %w", tag, err)
	}
	if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
		return err
	}
	if err := tarball.WriteToFile(archive, parsed, image); err != nil {
		return fmt.Errorf("writing image %s: %w", tag, err)
	}
	return nil
}

func (s imageSpec) build(ctx context.Context) (v1.Image, error) {
	files, err := s.files(ctx)
	if err != nil {
		return nil, err
	}
	layer, err := files.layer()
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, static.NewLayer(layer, types.DockerUncompressedLayer))
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
		Entrypoint: s.Entrypoint,
		User:       fmt.Sprintf("%d:%d", nonRoot, nonRoot),
		WorkingDir: filepath.Join("/", s.WorkingDir),
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		file.Config.Env = append(file.Config.Env, name+"="+s.Env[name])
	}
	return mutate.ConfigFile(image, file)
}

// files returns the files of the image, an open /tmp, and the machine's root certificates if it has any.
func (s imageSpec) files(ctx context.Context) (tree, error) {
	files := tree{}
	files.put("/tmp", entry{mode: os.ModeDir | os.ModeSticky | 0o777})
	paths, err := packaged(ctx, s.Packages, s.Without)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(trustedRoots); err == nil {
		paths = append(paths, trustedRoots)
	}
	for _, program := range s.Programs {
		loaded, err := libraries(ctx, program)
		if err != nil {
			return nil, err
		}
		paths = append(append(paths, program), loaded...)
	}
	for _, path := range paths {
		if err := files.include(path); err != nil {
			return nil, err
		}
	}
	for target, source := range s.Copy {
		if err := files.copy(source, target); err != nil {
			return nil, err
		}
	}
	return files, nil
}
