package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

const plugin = "kubectl-todoapp"

// pluginPlatforms lists the platforms that kubectl-todoapp is built for.
const pluginPlatforms = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"

// plugins builds kubectl-todoapp for each platform, and Krew's manifest of the archives.
func (r release) plugins(ctx context.Context, work string) error {
	var entries []any
	for _, platform := range strings.Split(r.platforms, ",") {
		system, architecture, _ := strings.Cut(platform, "/")
		program, err := r.compile(ctx, work, system, architecture, plugin, "-tags=plugin")
		if err != nil {
			return err
		}
		notices, err := r.notices(ctx, program)
		if err != nil {
			return err
		}
		name, archive, err := r.pluginArchive(program, system, architecture, notices)
		if err != nil {
			return err
		}
		if err := r.write(name, archive); err != nil {
			return err
		}
		entries = append(entries, map[string]any{
			"selector": map[string]any{"matchLabels": map[string]string{"os": system, "arch": architecture}},
			"uri":      fmt.Sprintf("%s/releases/download/v%s/%s", r.source, r.version, name),
			"sha256":   fmt.Sprintf("%x", sha256.Sum256(archive)),
			"bin":      executable(system),
		})
	}
	return r.krew(entries)
}

// krew writes the manifest by which kubectl krew installs the plugin.
func (r release) krew(platforms []any) error {
	manifest, err := yaml.Marshal(map[string]any{
		"apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
		"kind":       "Plugin",
		"metadata":   map[string]string{"name": "todoapp"},
		"spec": map[string]any{
			"version":          "v" + r.version,
			"homepage":         r.source,
			"shortDescription": "Show, rotate and revoke the keys of TodoApps",
			"description":      "Shows the keys and pods of TodoApps, rotates and revokes keys, and verifies tokens.",
			"platforms":        platforms,
		},
	})
	if err != nil {
		return fmt.Errorf("writing the manifest of Krew: %w", err)
	}
	return r.write("krew.yaml", manifest)
}

func executable(system string) string {
	if system == "windows" {
		return plugin + ".exe"
	}
	return plugin
}

// completer is the program by which kubectl completes the plugin's arguments, wherever the plugin is installed.
var completer = file{[]byte("#!/bin/sh\nexec kubectl todoapp __complete \"$@\"\n"), 0o755}

// pluginArchive returns the name and the content of the archive for a platform: a zip file for Windows, else a tar file.
func (r release) pluginArchive(program, system, architecture string, notices files) (string, []byte, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return "", nil, fmt.Errorf("reading the program: %w", err)
	}
	all := files{executable(system): {content, 0o755}}
	for name, notice := range notices {
		all["licenses/"+name] = notice
	}
	if system != "windows" {
		all["kubectl_complete-todoapp"] = completer
	}
	name := fmt.Sprintf("%s_%s_%s_%s", plugin, r.version, system, architecture)
	if system == "windows" {
		archive, err := all.zip(r.created)
		return name + ".zip", archive, err
	}
	archive, err := all.archive(r.created)
	if err != nil {
		return "", nil, err
	}
	var buffer bytes.Buffer
	out := gzip.NewWriter(&buffer)
	if _, err := out.Write(archive); err != nil {
		return "", nil, fmt.Errorf("compressing an archive: %w", err)
	}
	if err := out.Close(); err != nil {
		return "", nil, fmt.Errorf("compressing an archive: %w", err)
	}
	return name + ".tar.gz", buffer.Bytes(), nil
}

// zip returns a sorted zip archive of the files.
func (f files) zip(created time.Time) ([]byte, error) {
	var buffer bytes.Buffer
	out := zip.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: created}
		header.SetMode(fs.FileMode(f[name].mode))
		file, err := out.CreateHeader(header)
		if err != nil {
			return nil, fmt.Errorf("archiving %s: %w", name, err)
		}
		if _, err := file.Write(f[name].content); err != nil {
			return nil, fmt.Errorf("archiving %s: %w", name, err)
		}
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("closing the archive: %w", err)
	}
	return buffer.Bytes(), nil
}
