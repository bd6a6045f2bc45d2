package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGivenAClusterItsToolsAreBuilt dry-runs make on a fresh clone with a KUBECONFIG of the user. Then make starts no
// cluster, whose build would include kubectl, so make must build kubectl itself.
func TestGivenAClusterItsToolsAreBuilt(t *testing.T) {
	if _, err := os.Stat("../Makefile"); err != nil { // also makes the cache of go test depend on it
		t.Fatal(err)
	}
	for _, target := range []string{"demo", "install", "kind-e2e"} {
		makes := exec.CommandContext(t.Context(), "make", "--dry-run", "-C", "..", target, "KUBECONFIG=/given")
		output, err := makes.CombinedOutput()
		if err != nil {
			t.Fatalf("make %s: %v\n%s", target, err, output)
		}
		before, _, found := strings.Cut(string(output), "hack/install.sh")
		if !found || strings.Contains(before, " up\n") {
			t.Errorf("make %s does not install, or starts a cluster:\n%s", target, output)
		}
		for _, tool := range []string{" kubectl", " helm"} {
			if !strings.Contains(before, tool) {
				t.Errorf("make %s installs without having built%s:\n%s", target, tool, before)
			}
		}
	}
}

// TestTargetsOfOthersExist compares the list of "make help" with the targets that users of kubebuilder type, and with those that
// the workflows run.
func TestTargetsOfOthersExist(t *testing.T) {
	help, err := exec.CommandContext(t.Context(), "make", "-s", "-C", "..", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	targets := []string{"manifests", "generate", "run", "docker-build", "docker-push", "build-installer", "install", "uninstall",
		"deploy", "undeploy"}
	for _, workflow := range []string{"ci", "docs", "release"} {
		text := file(t, "../.github/workflows/"+workflow+".yaml")
		for _, command := range regexp.MustCompile(`\bmake (?:-s )?([a-z0-9-]+)`).FindAllStringSubmatch(text, -1) {
			targets = append(targets, command[1])
		}
	}
	if len(targets) < 15 {
		t.Errorf("the workflows run %q, expected five targets", targets[10:])
	}
	for _, target := range targets {
		if !regexp.MustCompile(`(?m)^  make ` + target + ` `).Match(help) {
			t.Errorf("make help does not list %s", target)
		}
	}
}

// TestStepsOfWorkflowsFailWithTheirPipes expects that each workflow names its shell. Without a name GitHub runs bash without
// pipefail, and a push of a release that fails before a pipe would go on to sign nothing.
func TestStepsOfWorkflowsFailWithTheirPipes(t *testing.T) {
	workflows, err := filepath.Glob("../.github/workflows/*.yaml")
	if err != nil || len(workflows) < 2 {
		t.Fatalf("finding workflows: %v, %d files", err, len(workflows))
	}
	for _, name := range workflows {
		if !strings.Contains(file(t, name), "\ndefaults:\n  run:\n    shell: bash ") {
			t.Errorf("%s does not set bash as the shell of all steps", name)
		}
	}
}

// TestBuildInstaller expects that the manifest of make build-installer has the image IMG for managers and for task APIs.
func TestBuildInstaller(t *testing.T) {
	folder := t.TempDir()
	const image = "registry.example.com:5000/team/operator:1"
	builds := exec.CommandContext(t.Context(), "make", "-C", "..", "build-installer", "IMG="+image, "DIST="+folder)
	output, err := builds.CombinedOutput()
	if err != nil {
		t.Fatalf("make build-installer: %v\n%s", err, output)
	}
	manifest := file(t, folder+"/install.yaml")
	namespace := strings.Contains(manifest, "kind: Namespace\n")
	if count := strings.Count(manifest, image); count != 2 || !namespace {
		t.Errorf("the manifest names the image %d times, expected 2; it has the namespace: %t", count, namespace)
	}
}

// TestScriptsCompileWithTheFlagsOfMake expects that each script which calls go, also by hand, and each page which shows such a
// command, has the Makefile's flags. With other flags Go compiles all dependencies again.
func TestScriptsCompileWithTheFlagsOfMake(t *testing.T) {
	makefile := file(t, "../Makefile")
	flags, found := strings.CutPrefix(regexp.MustCompile(`(?m)^export GOFLAGS = .*$`).FindString(makefile), "export GOFLAGS = ")
	if !found || !strings.Contains(makefile, "\nexport CGO_ENABLED = 0\n") {
		t.Fatal("the Makefile exports no flags")
	}
	lists := exec.CommandContext(t.Context(), "git", "-C", "..", "ls-files", "-co", "--exclude-standard", "*.sh", "hack/*.md")
	listed, err := lists.Output()
	if err != nil {
		t.Fatal(err)
	}
	compiles, count := regexp.MustCompile(`(?m)^(?:.*[ (])?go (?:-C \S+ )?(?:build|run|test|vet) `), 0
	for name := range strings.Lines(string(listed)) {
		name = strings.TrimSpace(name)
		text := file(t, "../"+name)
		if !compiles.MatchString(text) {
			continue
		}
		count++
		if !strings.Contains(text, "CGO_ENABLED=0") || !strings.Contains(text, flags) {
			t.Errorf("%s calls go without CGO_ENABLED=0 and %s", name, flags)
		}
	}
	if count < 9 {
		t.Errorf("%d files call go", count)
	}
}
