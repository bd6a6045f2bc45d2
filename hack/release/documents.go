package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sbom lists the modules of the image's program, and the package that it embeds, as CycloneDX.
func (r release) sbom(ctx context.Context, work string) error {
	program := filepath.Join(work, "linux-"+architectures[0], operator)
	modules, err := r.output(exec.CommandContext(ctx, "bin/cyclonedx-gomod", "bin", "-json", "-noserial", "-notimestamp",
		"-version", r.version, program))
	if err != nil {
		return err
	}
	added, err := r.embeddedComponent()
	if err != nil {
		return err
	}
	all, err := withComponent(modules, added)
	if err != nil {
		return err
	}
	return r.write("sbom.cdx.json", all)
}

// releaseOnly matches the labels that say an object belongs to a Helm release. Those of install.yaml do not.
var releaseOnly = regexp.MustCompile(`(?m)^ +(app\.kubernetes\.io/managed-by: Helm|helm\.sh/chart: .*)\n`)

// manifests renders the chart into install.yaml, with the namespace, and its CRD into crds.yaml.
func (r release) manifests(ctx context.Context) error {
	ns, err := os.ReadFile(filepath.Join(r.root, "config", "manager", "namespace.yaml"))
	if err != nil {
		return fmt.Errorf("reading the namespace: %w", err)
	}
	all, err := r.render(ctx)
	if err != nil {
		return err
	}
	crds, err := r.render(ctx, "--show-only=templates/crd.yaml")
	if err != nil {
		return err
	}
	install := slices.Concat([]byte("# Install or upgrade: kubectl apply --server-side --filename install.yaml\n---\n"), ns, all)
	if err := r.write("install.yaml", install); err != nil {
		return err
	}
	return r.write("crds.yaml", crds)
}

func (r release) render(ctx context.Context, args ...string) ([]byte, error) {
	args = append([]string{"template", operator, r.chartFile(), "--namespace=" + namespace, "--no-hooks"}, args...)
	rendered, err := r.output(exec.CommandContext(ctx, "bin/helm", args...))
	if err != nil {
		return nil, fmt.Errorf("rendering the chart: %w", err)
	}
	return releaseOnly.ReplaceAll(rendered, nil), nil
}

// changes writes the chapter of the version in CHANGELOG.md.
func (r release) changes() error {
	content, err := os.ReadFile(filepath.Join(r.root, "CHANGELOG.md"))
	if err != nil {
		return fmt.Errorf("reading the changes: %w", err)
	}
	chapter, err := changesOf(string(content), r.version)
	if err != nil {
		return err
	}
	return r.write("CHANGELOG.md", []byte(chapter))
}

// changesOf returns the chapter of a version. A pre-release has none of its own: its changes are those not released yet.
func changesOf(changelog, version string) (string, error) {
	title := version
	if strings.Contains(version, "-") {
		title = "Unreleased"
	}
	start := regexp.MustCompile(`(?m)^## ` + regexp.QuoteMeta(title) + `\b.*\n`).FindStringIndex(changelog)
	if start == nil {
		return "", fmt.Errorf("finding the changes: CHANGELOG.md has no chapter %q: rename the chapter Unreleased", title)
	}
	chapter, _, _ := strings.Cut(changelog[start[1]:], "\n## ")
	return strings.TrimSpace(chapter) + "\n", nil
}

// checksums lists the SHA-256 of every artefact in the format of sha256sum.
func (r release) checksums() error {
	all, err := read(r.dist)
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(all[name].content), name)
	}
	return r.write("checksums.txt", lines.Bytes())
}
