package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// TestPluginArchives packs a program for Linux and for Windows, and expects the name that Krew starts, the notices, and the same
// bytes twice.
func TestPluginArchives(t *testing.T) {
	program, err := os.Executable()
	must(t, err)
	r := release{version: "0.3.0", created: time.Date(2026, 11, 26, 16, 0, 0, 0, time.UTC)}
	notices := files{"go/LICENSE": {[]byte("terms"), 0o644}}
	for system, want := range map[string][]string{
		"linux":   {"kubectl-todoapp_0.3.0_linux_amd64.tar.gz", "kubectl-todoapp", "licenses/go/LICENSE"},
		"windows": {"kubectl-todoapp_0.3.0_windows_amd64.zip", "kubectl-todoapp.exe", "licenses/go/LICENSE"},
	} {
		name, archive, err := r.pluginArchive(program, system, "amd64", notices)
		must(t, err)
		_, again, err := r.pluginArchive(program, system, "amd64", notices)
		must(t, err)
		if name != want[0] || !bytes.Equal(archive, again) {
			t.Errorf("%s: the archive is %s, the same twice: %t", system, name, bytes.Equal(archive, again))
		}
		packed := unpackTar
		if system == "windows" {
			packed = unpackZip
		}
		modes := packed(t, archive)
		completes := modes["kubectl_complete-todoapp"] == 0o755
		if modes[want[1]] != 0o755 || modes[want[2]] != 0o644 || completes != (system == "linux") {
			t.Errorf("%s: the archive has %v", system, modes)
		}
	}
}

// unpackTar returns the modes of the files in a compressed tar archive.
func unpackTar(t *testing.T, archive []byte) map[string]int64 {
	t.Helper()
	uncompressed, err := gzip.NewReader(bytes.NewReader(archive))
	must(t, err)
	modes := map[string]int64{}
	for in := tar.NewReader(uncompressed); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return modes
		}
		must(t, err)
		modes[header.Name] = header.Mode
	}
}

// unpackZip returns the modes of the files in a zip archive.
func unpackZip(t *testing.T, archive []byte) map[string]int64 {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	must(t, err)
	modes := map[string]int64{}
	for _, file := range in.File {
		modes[file.Name] = int64(file.Mode().Perm())
	}
	return modes
}

// TestKrewManifest expects the version with a v, and the entries of the platforms.
func TestKrewManifest(t *testing.T) {
	r := release{version: "0.3.0", dist: t.TempDir()}
	must(t, r.krew([]any{map[string]any{"uri": "https://example.com/x.tar.gz", "sha256": "abc", "bin": plugin}}))
	var manifest struct {
		Kind string
		Spec struct {
			Version   string
			Platforms []struct{ URI, SHA256, Bin string }
		}
	}
	must(t, yaml.Unmarshal([]byte(content(t, r, "krew.yaml")), &manifest))
	if manifest.Kind != "Plugin" || manifest.Spec.Version != "v0.3.0" || len(manifest.Spec.Platforms) != 1 {
		t.Errorf("the manifest is %+v", manifest)
	}
}
