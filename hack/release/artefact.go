package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// artefact is a manifest with one layer and a configuration of any media type. A registry stores a chart or a list of modules
// this way, next to images.
type artefact struct {
	manifest, config []byte
	layer            v1.Layer
}

// newArtefact completes a manifest that has the annotations, the type and the subject of an artefact.
func newArtefact(config []byte, kind types.MediaType, layer v1.Layer, manifest v1.Manifest) (v1.Image, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, fmt.Errorf("computing the digest of a configuration: %w", err)
	}
	content, err := partial.Descriptor(layer)
	if err != nil {
		return nil, fmt.Errorf("describing a layer: %w", err)
	}
	manifest.SchemaVersion, manifest.MediaType = 2, types.OCIManifestSchema1
	manifest.Config = v1.Descriptor{MediaType: kind, Digest: digest, Size: size}
	manifest.Layers = []v1.Descriptor{*content}
	raw, err := json.Marshal(manifest)
	if err != nil {
		return nil, fmt.Errorf("writing a manifest: %w", err)
	}
	image, err := partial.CompressedToImage(artefact{raw, config, layer})
	if err != nil {
		return nil, fmt.Errorf("making an artefact: %w", err)
	}
	return image, nil
}

func (a artefact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a artefact) RawManifest() ([]byte, error)        { return a.manifest, nil }
func (a artefact) RawConfigFile() ([]byte, error)      { return a.config, nil }

// LayerByDigest returns the layer, or the configuration if it has the digest.
func (a artefact) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	if own, err := a.layer.Digest(); err != nil || own == digest {
		return a.layer, err
	}
	return partial.ConfigLayer(a)
}
