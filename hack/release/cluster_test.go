//go:build e2e

package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	appsNamespace = "release-e2e"
	kubectl       = "k8s/current/kubectl"
)

// TestInstallsFromRegistries installs the release of RELEASE_DIST in the cluster of KUBECONFIG: with the chart and with
// install.yaml from the registry of the build, then, with that registry gone, from another one that only the bundle has filled. It
// removes the CRD, so it needs a cluster without TodoApps.
func TestInstallsFromRegistries(t *testing.T) {
	r := release{dist: os.Getenv("RELEASE_DIST"), version: "0.3.0-ci"}
	built, err := name.ParseReference(strings.TrimSpace(content(t, r, "images.txt")))
	must(t, err)
	if kinds := program(t, kubectl, "get", "customresourcedefinitions", "--output=name"); strings.Contains(kinds, "/todoapps.") {
		// Other tests may have deleted their TodoApps just now. This test must delete none.
		eventually(t, "no TodoApp is left", func(ctx context.Context) (string, bool) {
			output, err := exec.CommandContext(ctx, "../../bin/"+kubectl, "get", "todoapps", "--all-namespaces", "--output=name").Output()
			return string(output), err == nil && len(output) == 0
		})
	}
	uninstall(t)
	t.Cleanup(func() {
		cleanUp(t, kubectl, "delete", "namespace", appsNamespace, "--ignore-not-found")
		uninstall(t)
		cleanUp(t, kubectl, "delete", "customresourcedefinition", "todoapps.todoapp.dev", "--ignore-not-found")
	})
	program(t, kubectl, "create", "namespace", appsNamespace)

	host := built.Context().RegistryStr()
	closeRegistry := listen(t, host)
	var pushed bytes.Buffer
	must(t, push(t.Context(), r.dist, "", &pushed))
	t.Logf("pushed:\n%s", &pushed)
	for _, architecture := range architectures {
		checkPlatform(t, built, architecture)
	}
	install(t, host+"/todoapp", r.version)
	runsApp(t, built.Context().Name()+":", built.Identifier())
	uninstall(t)
	appliesManifests(t, r, built)
	closeRegistry()

	mirror := serveRegistry(t)
	must(t, push(t.Context(), r.dist, mirror+"/mirror", io.Discard))
	install(t, mirror+"/mirror", r.version, "--set=image.repository="+mirror+"/mirror/todoapp-operator")
	runsApp(t, mirror+"/mirror/todoapp-operator:", built.Identifier())
}

// appliesManifests installs install.yaml and removes it again, without the CRD and the namespace.
func appliesManifests(t *testing.T, r release, built name.Reference) {
	t.Helper()
	program(t, kubectl, "apply", "--server-side", "--filename="+filepath.Join(r.dist, "install.yaml"))
	program(t, kubectl, "--namespace="+namespace, "rollout", "status", "deployment/"+operator, "--timeout=2m")
	runsApp(t, built.Context().Name()+":", built.Identifier())
	var parts []string
	for _, part := range strings.Split(content(t, r, "install.yaml"), "\n---\n") {
		if !strings.Contains(part, "kind: CustomResourceDefinition\n") && !strings.Contains(part, "kind: Namespace\n") {
			parts = append(parts, part)
		}
	}
	rest := filepath.Join(t.TempDir(), "rest.yaml")
	must(t, os.WriteFile(rest, []byte(strings.Join(parts, "\n---\n")), 0o644))
	program(t, kubectl, "delete", "--filename="+rest)
}

// listen serves a registry in memory at an address and returns a function that ends it.
func listen(t *testing.T, address string) func() {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	must(t, err)
	server := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0))), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return func() { must(t, server.Close()) }
}

// checkPlatform pulls all layers of the image for an architecture.
func checkPlatform(t *testing.T, image name.Reference, architecture string) {
	t.Helper()
	pulled, err := remote.Image(image, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}))
	must(t, err)
	config, err := pulled.ConfigFile()
	must(t, err)
	layers, err := pulled.Layers()
	must(t, err)
	size := int64(0)
	for _, layer := range layers {
		content, err := layer.Compressed()
		must(t, err)
		n, err := io.Copy(io.Discard, content) // fails if the digest differs
		must(t, err)
		must(t, content.Close())
		size += n
	}
	if config.Architecture != architecture || size < 10<<20 || size > 45<<20 {
		t.Errorf("the image for %s is one for %s and has %d bytes", architecture, config.Architecture, size)
	}
	t.Logf("the image for %s has %.1f MB", architecture, float64(size)/1e6)
}

func install(t *testing.T, registry, version string, more ...string) {
	t.Helper()
	started := time.Now()
	program(t, "helm", append([]string{"install", operator, "oci://" + registry + "/charts/" + operator, "--version=" + version,
		"--plain-http", "--namespace=" + namespace, "--create-namespace", "--wait", "--timeout=3m"}, more...)...)
	program(t, "helm", "test", operator, "--namespace="+namespace, "--timeout=2m") // also waits until the webhook is reachable
	t.Logf("installed from %s in %.1f s", registry, time.Since(started).Seconds())
}

func uninstall(t *testing.T) {
	t.Helper()
	cleanUp(t, "helm", "uninstall", operator, "--namespace="+namespace, "--ignore-not-found", "--wait")
}

// cleanUp runs a program also after the test's own context has ended.
func cleanUp(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if output, err := exec.CommandContext(ctx, "../../bin/"+name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
}

// runsApp expects that an app gets ready, and that managers and its task API run the image with the digest.
func runsApp(t *testing.T, image, digest string) {
	t.Helper()
	app := filepath.Join(t.TempDir(), "app.yaml")
	must(t, os.WriteFile(app, []byte(`{apiVersion: todoapp.dev/v1alpha1, kind: TodoApp, metadata: {name: todo}, spec: {}}`), 0o644))
	// Nodes learn a new address of the webhook only some time after its pods are ready.
	eventually(t, "a TodoApp is admitted", func(ctx context.Context) (string, bool) {
		apply := exec.CommandContext(ctx, "../../bin/"+kubectl, "apply", "--namespace="+appsNamespace, "--filename="+app)
		output, err := apply.CombinedOutput()
		return string(output), err == nil
	})
	program(t, kubectl, "--namespace="+appsNamespace, "wait", "todoapp/todo", "--timeout=2m",
		"--for=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=True")
	for namespace, deployment := range map[string]string{namespace: operator, appsNamespace: "todo-backend"} {
		program(t, kubectl, "--namespace="+namespace, "wait", "deployment/"+deployment, "--timeout=2m", "--for=jsonpath="+
			"{.spec.template.spec.containers[0].image}="+image+"0.3.0-ci@"+digest)
		program(t, kubectl, "--namespace="+namespace, "rollout", "status", "deployment/"+deployment, "--timeout=2m")
	}
}

// eventually waits until a condition holds. If it does not, the test ends with the output of the last attempt.
func eventually(t *testing.T, what string, holds func(context.Context) (string, bool)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for retry := time.NewTicker(time.Second); ; {
		output, ok := holds(ctx)
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %s", what, output)
		case <-retry.C:
		}
	}
}
