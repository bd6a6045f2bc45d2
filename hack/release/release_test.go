package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/todoapp-operator/todoapp-operator/internal/testenv"
)

var apiServer *rest.Config

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	testenv.Main(m, func(c *rest.Config) { apiServer = c })
}

// serveRegistry runs a registry in memory and returns its host and port.
func serveRegistry(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// built builds a release in a new folder. In place of the operator it has this test's program, which is compiled already.
func built(t *testing.T) release {
	t.Helper()
	// This walk makes the cache of go test depend on the files that the release reads.
	for _, folder := range []string{"../../charts", "../../config"} {
		if err := filepath.WalkDir(folder, func(string, fs.DirEntry, error) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	dist := filepath.Join(t.TempDir(), "dist")
	r, err := parseBuild([]string{"-root=../..", "-dist=" + dist, "-version=0.3.0-test", "-registry=registry.example.com/todoapp",
		"-revision=0123abc", "-created=2026-11-26T18:00:00+02:00"})
	must(t, err)
	must(t, os.Mkdir(dist, 0o755))
	program, err := os.Executable()
	must(t, err)
	work := t.TempDir()
	image, err := r.indexOf(t.Context(), map[string]string{"amd64": program, "arm64": program})
	must(t, err)
	chart, err := r.chart(t.Context(), work, image)
	must(t, err)
	must(t, r.manifests(t.Context()))
	must(t, r.bundle(work, image, chart))
	must(t, r.changes())
	must(t, r.write("sbom.cdx.json", []byte(`{"bomFormat":"CycloneDX"}`)))
	must(t, r.checksums())
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// program runs a program of bin and returns its output.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), filepath.Join("../../bin", name), args...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w\n%s", err, failed.Stderr)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(output)
}

// TestRelease builds one release and tests its artefacts.
func TestRelease(t *testing.T) {
	r := built(t)
	t.Run("builds the same bytes", func(t *testing.T) { buildsTheSameBytes(t, r) })
	t.Run("is pushed", func(t *testing.T) { isPushed(t, r) })
	t.Run("is described for Artifact Hub", func(t *testing.T) { isDescribed(t, r) })
	t.Run("has manifests that equal the chart", func(t *testing.T) { manifestsEqualTheChart(t, r) })
}

// buildsTheSameBytes builds the release again, in another folder, and compares the checksums of all artefacts.
func buildsTheSameBytes(t *testing.T, r release) {
	sums := content(t, r, "checksums.txt")
	if diff := cmp.Diff(sums, content(t, built(t), "checksums.txt")); diff != "" {
		t.Errorf("two builds differ:\n%s", diff)
	}
	for _, name := range []string{
		"todoapp-operator-0.3.0-test.tgz", "install.yaml", "crds.yaml", "sbom.cdx.json", "images.txt", "bundle.tar", "CHANGELOG.md",
	} {
		if !strings.Contains(sums, "  "+name+"\n") {
			t.Errorf("checksums.txt lacks %s:\n%s", name, sums)
		}
	}
}

// isPushed pushes the release to another registry than that of the build, pulls the image for each platform and the chart, and
// checks both.
func isPushed(t *testing.T, r release) {
	host := serveRegistry(t)
	var pushed bytes.Buffer
	must(t, push(t.Context(), r.dist, host+"/mirror", &pushed))
	_, digest, _ := strings.Cut(strings.TrimSpace(content(t, r, "images.txt")), "@")
	image, err := name.NewDigest(host + "/mirror/todoapp-operator@" + digest)
	must(t, err)
	if want := fmt.Sprintf("%s/mirror/todoapp-operator:0.3.0-test@%s\n", host, digest); !strings.HasPrefix(pushed.String(), want) {
		t.Errorf("push printed %q, expected %q first", &pushed, want)
	}
	for _, architecture := range architectures {
		pulled, err := remote.Image(image, remote.WithContext(t.Context()),
			remote.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}))
		must(t, err)
		checkImage(t, pulled, architecture)
	}
	list, err := remote.Referrers(image, remote.WithContext(t.Context()))
	must(t, err)
	referrers, err := list.IndexManifest()
	must(t, err)
	if len(referrers.Manifests) != 1 || referrers.Manifests[0].ArtifactType != string(modules) {
		t.Errorf("the image has the referrers %+v, expected its list of modules", referrers.Manifests)
	}
	folder := t.TempDir()
	program(t, "helm", "pull", "oci://"+host+"/mirror/charts/todoapp-operator", "--version=0.3.0-test", "--plain-http",
		"--destination="+folder)
	pulled, err := os.ReadFile(filepath.Join(folder, "todoapp-operator-0.3.0-test.tgz"))
	must(t, err)
	if string(pulled) != content(t, r, "todoapp-operator-0.3.0-test.tgz") {
		t.Error("the chart in the registry differs from the packaged chart")
	}
}

// content returns the content of an artefact.
func content(t *testing.T, r release, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dist, name))
	must(t, err)
	return string(text)
}

// checkImage checks the configuration and the files of an image.
func checkImage(t *testing.T, image v1.Image, architecture string) {
	t.Helper()
	config, err := image.ConfigFile()
	must(t, err)
	if config.Architecture != architecture || config.OS != "linux" || config.Config.User != "65532:65532" {
		t.Errorf("the image is for %s/%s and runs as %q", config.OS, config.Architecture, config.Config.User)
	}
	created := time.Date(2026, 11, 26, 16, 0, 0, 0, time.UTC)
	if !config.Created.Equal(created) {
		t.Errorf("the image was created at %s, expected the time of the commit", config.Created)
	}
	for label, want := range map[string]string{
		"title": "todoapp-operator", "version": "0.3.0-test", "revision": "0123abc", "licenses": "Apache-2.0",
		"created": "2026-11-26T16:00:00Z",
	} {
		if got := config.Config.Labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("label %s is %q, expected %q", label, got, want)
		}
	}
	modes := map[string]int64{}
	for in := tar.NewReader(mutate.Extract(image)); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		modes[strings.TrimSuffix(header.Name, "/")] = header.Mode
	}
	for path, mode := range map[string]int64{
		"todoapp-operator": 0o755, "tmp": 0o1777, "etc/ssl/certs/ca-certificates.crt": 0o644, "licenses/LICENSE": 0o644,
		"licenses/go/LICENSE": 0o644, "licenses/github.com/docker/cli/NOTICE": 0o644, "licenses/sigs.k8s.io/yaml/LICENSE": 0o644,
		"licenses/swagger-ui-dist/LICENSE": 0o644, "licenses/swagger-ui-dist/NOTICE": 0o644,
		"licenses/swagger-ui-dist/LICENSE.swagger-ui-bundle.txt": 0o644,
	} {
		if got, found := modes[path]; !found || got != mode {
			t.Errorf("%s: found %t, mode %o, expected %o; the image has %d files", path, found, got, mode, len(modes))
		}
	}
}

// TestModulesWithoutALicence expects that a module without a licence ends the build.
func TestModulesWithoutALicence(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"README.md", "license.go"} {
		must(t, os.WriteFile(filepath.Join(folder, name), nil, 0o644))
	}
	if err := (files{}).collect("example.com/module/", folder); err == nil {
		t.Error("a module without a licence is accepted")
	}
	must(t, os.WriteFile(filepath.Join(folder, "NOTICE.txt"), nil, 0o644))
	collected := files{}
	must(t, collected.collect("example.com/module/", folder))
	if got := slices.Collect(maps.Keys(collected)); !slices.Equal(got, []string{"example.com/module/NOTICE.txt"}) {
		t.Errorf("collected %q", got)
	}
}

func TestChangesOf(t *testing.T) {
	const changelog = "# Changelog\n\n## Unreleased\n\n- new\n\n## 0.3.0 (2026-11-26)\n\n### Added\n\n- a\n\n## 0.3.0.1\n\n- b\n"
	for version, want := range map[string]string{"0.3.0": "### Added\n\n- a\n", "0.4.0-rc.1": "- new\n", "0.4.0": ""} {
		got, err := changesOf(changelog, version)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s has the changes %q, %v, expected %q", version, got, err, want)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	good := []string{"build", "-version=0.3.0", "-registry=registry.example.com/todoapp", "-created=2026-11-26T18:00:00Z"}
	for argument, want := range map[string]string{
		"-version=v0.3.0": "invalid version", "-version=": "invalid version", "-version=0.3.0+1": "invalid version",
		"-registry=": "no registry given", "-created=": "time of the commit",
	} {
		if err := run(context.Background(), append(slices.Clone(good), argument)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, expected %q", argument, err, want)
		}
	}
}
