// Package kind tests the scripts that find out which cluster KUBECONFIG names, with programs that stand in for the real ones.
package kind

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// environment has programs that log their arguments. kubectl answers with the node and the certificate authority of a cluster.
type environment struct {
	*testing.T
	folder string
}

func newEnvironment(t *testing.T, providerID, authority string) environment {
	t.Helper()
	e := environment{t, t.TempDir()}
	e.program("kubectl", `case "$*" in
*providerID*) echo "`+providerID+`" ;;
*authority*) echo "`+authority+`" ;;
*) echo "kubectl $*" >>"$LOG" ;;
esac`)
	e.program("cluster", `case $1 in
kubeconfig) echo "certificate-authority-data: bG9jYWw=" ;;
*) echo "cluster $*" >>"$LOG" ;;
esac`)
	// A kind cluster named todoapp always runs next to the cluster in use.
	e.program("kind", `case "$*" in
"get clusters") echo todoapp ;;
*) echo "kind $* of $KIND_EXPERIMENTAL_PROVIDER" >>"$LOG" ;;
esac`)
	e.program("make", `echo "make $*" >>"$LOG"`)
	return e
}

func (e environment) program(name, script string) {
	e.Helper()
	if err := os.WriteFile(filepath.Join(e.folder, name), []byte("#!/bin/bash\n"+script+"\n"), 0o755); err != nil {
		e.Fatal(err)
	}
}

// run runs a script of hack and returns what the programs logged, its output, and whether it succeeded.
func (e environment) run(script string, args ...string) (logged, output string, succeeded bool) {
	e.Helper()
	for _, name := range []string{script, "kind/which.sh"} {
		if _, err := os.ReadFile(filepath.Join("..", name)); err != nil { // also makes the cache of go test depend on it
			e.Fatal(err)
		}
	}
	log := filepath.Join(e.folder, "log")
	cmd := exec.CommandContext(e.Context(), "../"+script, args...)
	cmd.Env = append(os.Environ(), "PATH="+e.folder+":"+os.Getenv("PATH"), "KUBECTL="+filepath.Join(e.folder, "kubectl"),
		"CLUSTER="+filepath.Join(e.folder, "cluster"), "LOG="+log)
	said, err := cmd.CombinedOutput()
	text, _ := os.ReadFile(log) // there is none if no program ran
	return string(text), string(said), err == nil
}

func TestImagesGoIntoTheClusterOfKubeconfig(t *testing.T) {
	for _, c := range []struct{ name, id, authority, logged, said string }{
		{"kind", "kind://docker/todoapp/todoapp-control-plane", "a2luZA==",
			"kind load image-archive x.tar --name todoapp of docker\n", ""},
		{"another kind cluster", "kind://podman/mine/mine-worker", "a2luZA==",
			"kind load image-archive x.tar --name mine of podman\n", ""},
		{"the local cluster", "", "bG9jYWw=", "cluster load x.tar\n", ""},
		{"a cluster without provider IDs", "", "b3RoZXI=", "", "skopeo copy"},
		{"a cloud", "aws:///eu-west-1a/i-0", "b3RoZXI=", "", "skopeo copy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			logged, output, succeeded := newEnvironment(t, c.id, c.authority).run("image.sh", "x.tar")
			if logged != c.logged || succeeded != (c.said == "") || !strings.Contains(output, c.said) {
				t.Errorf("it ran %q, succeeded %t, said %s", logged, succeeded, output)
			}
		})
	}
}

// TestOneScriptLoadsImages fails if another script than hack/image.sh loads images into nodes.
func TestOneScriptLoadsImages(t *testing.T) {
	loads, count := regexp.MustCompile(`kind load |(cluster|CLUSTER)\W* load `), 0
	for _, pattern := range []string{"../../Makefile", "../*.sh", "../*/*.sh", "../*/*/*.sh", "../../examples/*/*.sh", "../../.ci/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("finding %s: %v, %d files", pattern, err, len(found))
		}
		for _, name := range found {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if loads.Match(text) {
				if count++; name != "../image.sh" {
					t.Errorf("%s loads images itself: it must call hack/image.sh", name)
				}
			}
		}
	}
	if count == 0 {
		t.Error("no script loads images")
	}
}

func TestNoClusterAnswers(t *testing.T) {
	e := newEnvironment(t, "", "")
	e.program("kubectl", `echo "connection refused" >&2; exit 1`)
	logged, output, succeeded := e.run("image.sh", "x.tar")
	if logged != "" || succeeded || !strings.Contains(output, "connection refused") {
		t.Errorf("it ran %q, succeeded %t, said %s", logged, succeeded, output)
	}
}

func TestDemoDownFitsTheCluster(t *testing.T) {
	for _, c := range []struct{ name, id, authority, logged string }{
		{"kind", "kind://docker/todoapp/todoapp-control-plane", "a2luZA==", "make -s kind-down\n"},
		{"another kind cluster", "kind://docker/mine/mine-control-plane", "a2luZA==",
			"kubectl delete namespace demo --ignore-not-found\n"},
		{"the local cluster", "", "bG9jYWw=", "make -s cluster-down\n"},
		{"a cloud", "aws:///eu-west-1a/i-0", "b3RoZXI=", "kubectl delete namespace demo --ignore-not-found\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			logged, output, succeeded := newEnvironment(t, c.id, c.authority).run("demo/cluster.sh", "down")
			if logged != c.logged || !succeeded {
				t.Errorf("it ran %q, succeeded %t, said %s", logged, succeeded, output)
			}
		})
	}
}

// TestKindUp runs make kind-up with a KUBECONFIG of the user, with and without a cluster that runs already.
func TestKindUp(t *testing.T) {
	makes, err := exec.LookPath("make") // the environment has another program of this name
	if err != nil {
		t.Fatal(err)
	}
	const created = "kind create cluster --name todoapp --config hack/kind/kind.yaml"
	for _, c := range []struct{ name, running, image, want string }{
		{"no cluster", "", "", created + " in /given"},
		{"no cluster, an image", "", "kindest/node:v1.34.0", created + " --image kindest/node:v1.34.0 in /given"},
		{"another cluster", "todoapp-2", "", created + " in /given"},
		{"a second run", "todoapp", "kindest/node:v1.34.0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEnvironment(t, "", "")
			e.program("kind", `case "$*" in
"get clusters") echo "`+c.running+`" ;;
*) echo "kind $* in $KUBECONFIG" >>"$LOG" ;;
esac`)
			if _, err := os.ReadFile("../../Makefile"); err != nil { // also makes the cache of go test depend on it
				t.Fatal(err)
			}
			run := exec.CommandContext(t.Context(), makes, "-s", "-C", "../..", "kind-up", "KUBECONFIG=/given", "KIND_IMAGE="+c.image)
			log := filepath.Join(e.folder, "log")
			run.Env = append(os.Environ(), "PATH="+e.folder+":"+os.Getenv("PATH"), "LOG="+log)
			if output, err := run.CombinedOutput(); err != nil {
				t.Fatalf("make kind-up: %v\n%s", err, output)
			}
			logged, _ := os.ReadFile(log) // there is none if no program ran
			want := strings.TrimPrefix(c.want+"\nkind export kubeconfig --name todoapp in /given\n", "\n")
			if string(logged) != want {
				t.Errorf("it ran %q, expected %q", logged, want)
			}
		})
	}
}

func TestDemoUsesKindIfAnEngineAnswers(t *testing.T) {
	for docker, want := range map[string]string{"exit 0": "make -s kind-up\n", "exit 1": "make -s cluster-up\n"} {
		e := newEnvironment(t, "", "")
		e.program("docker", docker)
		e.program("cluster", "exit 1") // the local cluster does not run
		if logged, output, succeeded := e.run("demo/cluster.sh", "up"); logged != want || !succeeded {
			t.Errorf("docker info ends with %q: it ran %q, succeeded %t, said %s", docker, logged, succeeded, output)
		}
	}
}
