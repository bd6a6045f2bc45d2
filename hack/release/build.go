package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	operator = "todoapp-operator"
	// namespace is the operator's namespace in install.yaml.
	namespace = "todoapp-system"
)

// architectures lists the architectures of the image, in the order of its index.
var architectures = []string{"amd64", "arm64"}

// build replaces the content of the folder for artefacts. The checksums are written last: if they exist, the build is whole.
func (r release) build(ctx context.Context) error {
	if err := os.RemoveAll(r.dist); err != nil {
		return fmt.Errorf("emptying the folder for artefacts: %w", err)
	}
	if err := os.MkdirAll(r.dist, 0o755); err != nil {
		return fmt.Errorf("creating the folder for artefacts: %w", err)
	}
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return fmt.Errorf("creating a temporary folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()

	var image v1.ImageIndex
	var chart v1.Image
	for _, step := range []struct {
		title string
		run   func() error
	}{
		{"image", func() (err error) { image, err = r.image(ctx, work); return err }},
		{plugin, func() error { return r.plugins(ctx, work) }},
		{"list of modules", func() error { return r.sbom(ctx, work) }},
		{"chart", func() (err error) { chart, err = r.chart(ctx, work, image); return err }},
		{"manifests", func() error { return r.manifests(ctx) }},
		{"bundle", func() error { return r.bundle(work, image, chart) }},
		{"changes", r.changes},
		{"checksums", r.checksums},
	} {
		started := time.Now()
		if err := step.run(); err != nil {
			return fmt.Errorf("building the %s: %w", step.title, err)
		}
		fmt.Printf("%-16s %5.1f s\n", step.title, time.Since(started).Seconds())
	}
	return nil
}

// imageName and chartName are the names in the registry, without a tag.
func (r release) imageName() string { return r.registry + "/" + operator }
func (r release) chartName() string { return r.registry + "/charts/" + operator }

func (r release) chartFile() string {
	return filepath.Join(r.dist, operator+"-"+r.version+".tgz")
}

// compile builds the sources for a platform and returns the program's path.
func (r release) compile(ctx context.Context, work, system, architecture, name string, flags ...string) (string, error) {
	program := filepath.Join(work, system+"-"+architecture, name)
	args := append([]string{"build", "-ldflags", "-s -w -X main.version=" + r.version, "-o", program}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false", "GOOS="+system, "GOARCH="+architecture)
	if _, err := r.output(cmd); err != nil {
		return "", fmt.Errorf("compiling %s for %s/%s: %w", name, system, architecture, err)
	}
	return program, nil
}

// output runs a command in the folder of the sources and returns its standard output.
func (r release) output(cmd *exec.Cmd) ([]byte, error) {
	cmd.Dir = r.root
	output, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w\n%s", err, failed.Stderr)
	}
	return output, err
}
