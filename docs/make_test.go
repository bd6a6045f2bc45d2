package docs_test

import (
	"os"
	"os/exec"
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
