package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const nonRoot = "65532:65532"

// image compiles the program for each architecture and returns the index of their images.
func (r release) image(ctx context.Context, work string) (v1.ImageIndex, error) {
	programs := map[string]string{}
	for _, architecture := range architectures {
		program, err := r.compile(ctx, work, "linux", architecture, operator)
		if err != nil {
			return nil, err
		}
		programs[architecture] = program
	}
	return r.indexOf(ctx, programs)
}

// indexOf returns the index of one image for each program, by its architecture.
func (r release) indexOf(ctx context.Context, programs map[string]string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, architecture := range slices.Sorted(maps.Keys(programs)) {
		notices, err := r.imageNotices(ctx, programs[architecture])
		if err != nil {
			return nil, err
		}
		image, err := r.imageOf(programs[architecture], architecture, notices)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	annotated, ok := mutate.Annotations(index, r.labels()).(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("annotating the index: %T is no index", annotated)
	}
	return annotated, nil
}

// imageOf returns an image with root certificates, an open /tmp, notices, and the program.
func (r release) imageOf(program, architecture string, notices files) (v1.Image, error) {
	base := files{"tmp/": {mode: 0o1777}}
	base.add("etc/ssl/certs/ca-certificates.crt", trustedRoots())
	for name, notice := range notices {
		base["licenses/"+name] = notice
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, layered := range []files{base, {operator: {content, 0o755}}} {
		layer, err := layered.layer(r.created)
		if err != nil {
			return nil, err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return nil, fmt.Errorf("adding a layer: %w", err)
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of the image: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", architecture, v1.Time{Time: r.created}
	config.Config = v1.Config{Entrypoint: []string{"/" + operator}, User: nonRoot, WorkingDir: "/", Labels: r.labels()}
	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		return nil, fmt.Errorf("setting the configuration of the image: %w", err)
	}
	return image, nil
}

func (f files) layer(created time.Time) (v1.Layer, error) {
	archive, err := f.archive(created)
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer),
		tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
	if err != nil {
		return nil, fmt.Errorf("compressing a layer: %w", err)
	}
	return layer, nil
}

// labels returns the labels of the image, which are the annotations of its index, too.
func (r release) labels() map[string]string {
	labels := map[string]string{
		"title":       operator,
		"description": "Runs todo apps whose frontend and backend share one secret, and rotates that secret without an interruption.",
		"version":     r.version,
		"revision":    r.revision,
		"source":      r.source,
		"url":         r.source,
		"licenses":    "Apache-2.0",
		"created":     r.created.Format(time.RFC3339),
	}
	prefixed := map[string]string{}
	for name, value := range labels {
		prefixed["org.opencontainers.image."+name] = value
	}
	return prefixed
}

// trustedRoots returns Mozilla's root certificates in PEM. They come from a pinned module, so that the image does not depend on
// the machine. A root that is trusted for some names or dates only is left out, because a PEM file cannot say so.
func trustedRoots() []byte {
	var roots bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer returns no error
		}
	}
	return roots.Bytes()
}
