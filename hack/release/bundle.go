package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// refName is the annotation that names an image in an OCI layout. Tools such as skopeo select by it.
const refName = "org.opencontainers.image.ref.name"

// bundle writes image and chart as an archive of an OCI layout, and the list of images that a mirror must hold.
func (r release) bundle(work string, image v1.ImageIndex, chart v1.Image) error {
	folder := filepath.Join(work, "layout")
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return fmt.Errorf("creating the layout: %w", err)
	}
	named := func(name string) layout.Option {
		return layout.WithAnnotations(map[string]string{refName: name + ":" + r.version})
	}
	if err := path.AppendIndex(image, named(r.imageName())); err != nil {
		return fmt.Errorf("adding the image: %w", err)
	}
	if err := path.AppendImage(chart, named(r.chartName())); err != nil {
		return fmt.Errorf("adding the chart: %w", err)
	}
	content, err := read(folder)
	if err != nil {
		return err
	}
	archive, err := content.archive(r.created)
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return fmt.Errorf("computing the digest of the image: %w", err)
	}
	if err := r.write("bundle.tar", archive); err != nil {
		return err
	}
	return r.write("images.txt", fmt.Appendf(nil, "%s:%s@%s\n", r.imageName(), r.version, digest))
}

// read returns the files below a folder.
func read(folder string) (files, error) {
	all := files{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		all.add(filepath.ToSlash(name), content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", folder, err)
	}
	return all, nil
}

// write writes an artefact.
func (r release) write(name string, content []byte) error {
	if err := os.WriteFile(filepath.Join(r.dist, name), content, 0o644); err != nil {
		return fmt.Errorf("writing an artefact: %w", err)
	}
	return nil
}
