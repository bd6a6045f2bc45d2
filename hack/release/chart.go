package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

// These media types are those of Helm's charts in registries.
const (
	chartConfig  = types.MediaType("application/vnd.cncf.helm.config.v1+json")
	chartContent = types.MediaType("application/vnd.cncf.helm.chart.content.v1.tar+gzip")
)

// chart packages the chart with the version and the image of the release, and returns it as a registry stores it.
func (r release) chart(ctx context.Context, work string, image v1.ImageIndex) (v1.Image, error) {
	digest, err := image.Digest()
	if err != nil {
		return nil, fmt.Errorf("computing the digest of the image: %w", err)
	}
	folder := filepath.Join(work, operator)
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(r.root, "charts", operator))); err != nil {
		return nil, fmt.Errorf("copying the chart: %w", err)
	}
	for name, change := range map[string]func(string) (string, error){
		"Chart.yaml":  func(metadata string) (string, error) { return r.describe(metadata, digest.String()) },
		"values.yaml": func(values string) (string, error) { return r.withImage(values, digest.String()) },
	} {
		if err := edit(filepath.Join(folder, name), change); err != nil {
			return nil, err
		}
	}
	if err := r.setTimes(folder); err != nil {
		return nil, err
	}
	helm := exec.CommandContext(ctx, "bin/helm", "package", folder, "--destination", r.dist)
	if _, err := r.output(helm); err != nil {
		return nil, fmt.Errorf("packaging the chart: %w", err)
	}
	return r.chartImage(filepath.Join(folder, "Chart.yaml"))
}

// withImage sets the name and the digest of the image in the default values.
func (r release) withImage(values, digest string) (string, error) {
	values, err := replaceOnce(values, `(?m)^  repository: todoapp-operator$`, "  repository: "+r.imageName())
	if err != nil {
		return "", err
	}
	return replaceOnce(values, `(?m)^  digest: ""$`, `  digest: "`+digest+`"`)
}

// replaceOnce replaces the only match of a pattern. Another number of matches is an error, because the text has then changed.
func replaceOnce(text, pattern, replacement string) (string, error) {
	expression := regexp.MustCompile(pattern)
	if found := expression.FindAllString(text, -1); len(found) != 1 {
		return "", fmt.Errorf("replacing %s: expected one match, found %d", pattern, len(found))
	}
	return expression.ReplaceAllLiteralString(text, replacement), nil
}

func edit(path string, change func(string) (string, error)) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("editing the chart: %w", err)
	}
	changed, err := change(string(content))
	if err != nil {
		return fmt.Errorf("editing %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		return fmt.Errorf("editing the chart: %w", err)
	}
	return nil
}

// setTimes sets the times of all files to the time of the release, because helm copies them into the archive.
func (r release) setTimes(folder string) error {
	return filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, r.created, r.created))
	})
}

// chartImage returns the packaged chart as an artefact whose configuration is the chart's metadata, as helm push makes it.
func (r release) chartImage(metadata string) (v1.Image, error) {
	text, err := os.ReadFile(metadata)
	if err != nil {
		return nil, fmt.Errorf("reading the chart's metadata: %w", err)
	}
	config, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("reading the chart's metadata: %w", err)
	}
	content, err := os.ReadFile(r.chartFile())
	if err != nil {
		return nil, fmt.Errorf("reading the packaged chart: %w", err)
	}
	return newArtefact(config, chartConfig, static.NewLayer(content, chartContent), v1.Manifest{Annotations: r.labels()})
}
