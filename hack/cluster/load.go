package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// load imports an image archive and waits until the kubelet can use it. containerd announces it to the kubelet only
// some time after the import.
func (l layout) load(ctx context.Context, archive string) error {
	names, err := namesIn(archive)
	if err != nil {
		return fmt.Errorf("reading image %s: %w", archive, err)
	}
	if err := l.ctr(ctx, io.Discard, "images", "import", archive); err != nil {
		return err
	}
	return await(ctx, time.Minute, "images to be known", func(ctx context.Context) error {
		for _, name := range names {
			var known strings.Builder
			if err := l.ctr(ctx, &known, "images", "list", "name=="+name); err != nil {
				return err
			}
			if !strings.Contains(known.String(), "io.cri-containerd.image=managed") {
				return fmt.Errorf("%s is not known yet", name)
			}
		}
		return nil
	})
}

func (l layout) ctr(ctx context.Context, out io.Writer, args ...string) error {
	args = append([]string{"--address", l.Containerd(), "--connect-timeout", "2s", "--namespace", "k8s.io"}, args...)
	said, err := output(ctx, "ctr", args...)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, said)
	return err
}

// namesIn returns the names of an archive's images as containerd spells them.
func namesIn(archive string) ([]string, error) {
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(archive) })
	if err != nil {
		return nil, err
	}
	var names []string
	for _, image := range manifest {
		for _, tag := range image.RepoTags {
			parsed, err := name.NewTag(tag)
			if err != nil {
				return nil, err
			}
			names = append(names, strings.Replace(parsed.Name(), name.DefaultRegistry, "docker.io", 1))
		}
	}
	return names, nil
}
