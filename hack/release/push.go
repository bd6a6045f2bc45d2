package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// modules is the media type of a list of modules in CycloneDX.
const modules = types.MediaType("application/vnd.cyclonedx+json")

// push pushes the image and the chart of the bundle, and attaches the list of modules to the image. It uses the credentials of
// "docker login", and prints one reference with its digest on each line.
func push(ctx context.Context, dist, registry string, out io.Writer) error {
	folder, err := os.MkdirTemp("", "release-")
	if err != nil {
		return fmt.Errorf("creating a temporary folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := unpack(filepath.Join(dist, "bundle.tar"), folder); err != nil {
		return fmt.Errorf("unpacking the bundle (make release builds it): %w", err)
	}
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return fmt.Errorf("reading the bundle: %w", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return fmt.Errorf("reading the bundle: %w", err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	for _, entry := range manifest.Manifests {
		reference, err := target(entry.Annotations[refName], registry)
		if err != nil {
			return err
		}
		if err := pushEntry(dist, index, entry, reference, options); err != nil {
			return fmt.Errorf("pushing %s: %w", reference, err)
		}
		_, _ = fmt.Fprintf(out, "%s@%s\n", reference, entry.Digest)
	}
	return nil
}

// target returns the reference to push to: the reference of the build, or the same name in another registry.
func target(built, registry string) (name.Tag, error) {
	if registry != "" {
		path := built[strings.LastIndex(built, "/")+1:]
		if strings.Contains(built, "/charts/") {
			path = "charts/" + path
		}
		built = registry + "/" + path
	}
	reference, err := name.NewTag(built, name.StrictValidation)
	if err != nil {
		return reference, fmt.Errorf("reading the reference %q: %w", built, err)
	}
	return reference, nil
}

func pushEntry(dist string, from v1.ImageIndex, entry v1.Descriptor, to name.Tag, options []remote.Option) error {
	if !entry.MediaType.IsIndex() {
		chart, err := from.Image(entry.Digest)
		return errors.Join(err, remote.Write(to, chart, options...))
	}
	image, err := from.ImageIndex(entry.Digest)
	if err != nil {
		return err
	}
	if err := remote.WriteIndex(to, image, options...); err != nil {
		return err
	}
	return attach(dist, to.Context(), entry, options)
}

// attach pushes the list of modules as an artefact that refers to the image.
func attach(dist string, repository name.Repository, image v1.Descriptor, options []remote.Option) error {
	content, err := os.ReadFile(filepath.Join(dist, "sbom.cdx.json"))
	if err != nil {
		return err
	}
	subject := v1.Descriptor{MediaType: image.MediaType, Size: image.Size, Digest: image.Digest}
	// Registries find the type of an artefact in its manifest, or in the media type of its configuration.
	list, err := newArtefact([]byte("{}"), modules, static.NewLayer(content, modules),
		v1.Manifest{ArtifactType: string(modules), Subject: &subject})
	if err != nil {
		return err
	}
	digest, err := list.Digest()
	if err != nil {
		return err
	}
	return remote.Write(repository.Digest(digest.String()), list, options...)
}

// unpack writes the files of a tar archive into a folder. A path that leaves the folder is an error.
func unpack(archive, folder string) (err error) {
	content, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for in := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case header.Typeflag == tar.TypeDir:
			err = root.MkdirAll(strings.TrimSuffix(header.Name, "/"), 0o755)
		default:
			var text []byte
			if text, err = io.ReadAll(in); err == nil {
				err = root.WriteFile(header.Name, text, 0o644)
			}
		}
		if err != nil {
			return err
		}
	}
}
