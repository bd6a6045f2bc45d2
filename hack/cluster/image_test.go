package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestImage(t *testing.T) {
	dir := t.TempDir()
	binary, roots := filepath.Join(dir, "tool"), filepath.Join(dir, "roots.crt")
	for path, content := range map[string]string{binary: "\x7fELF", roots: "certificates"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := writeImage(t, imageSpec{binary: binary, roots: roots, tag: "tool:dev", out: filepath.Join(dir, "1.tar")})
	second := writeImage(t, imageSpec{binary: binary, roots: roots, tag: "tool:dev", out: filepath.Join(dir, "2.tar")})
	if !bytes.Equal(first, second) {
		t.Error("the same binary made two different images")
	}
	names, err := namesIn(filepath.Join(dir, "1.tar"))
	if err != nil || !slices.Equal(names, []string{"docker.io/library/tool:dev"}) {
		t.Errorf("names are %v, %v", names, err)
	}
	image, err := tarball.ImageFromPath(filepath.Join(dir, "1.tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.Config.User != "65532:65532" || !slices.Equal(file.Config.Entrypoint, []string{"/tool"}) {
		t.Errorf("config is %+v", file.Config)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("layers: %v, %v", layers, err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"tool", "tmp/", "etc/", "etc/ssl/", "etc/ssl/certs/", "etc/ssl/certs/ca-certificates.crt"}
	if got := entries(t, content); !slices.Equal(got, want) {
		t.Errorf("layer holds %q, want %q", got, want)
	}
}

func writeImage(t *testing.T, spec imageSpec) []byte {
	t.Helper()
	if err := spec.write(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(spec.out)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func entries(t *testing.T, archive io.Reader) []string {
	t.Helper()
	var names []string
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
}
