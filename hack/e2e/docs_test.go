//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// fence matches the code blocks of a page: their language and their content.
var fence = regexp.MustCompile("(?ms)^```(\\w*)[^\\n]*\\n(.*?)^```$")

// TestDocs runs every page of the documentation as a reader would: all commands of a page in order, in the page's own
// namespace.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("finding the pages: %v, %d of them", err, len(pages))
	}
	for _, page := range pages {
		commands := commandsOf(t, page)
		if commands == "" {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			t.Parallel()
			newEnvironment(t).follow(commands)
		})
	}
}

// commandsOf joins the blocks of a page that a reader may paste into a shell.
func commandsOf(t *testing.T, page string) string {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var commands strings.Builder
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		if block[1] == "sh" {
			commands.WriteString(block[2])
		}
	}
	return commands.String()
}

// follow runs commands at the root of the repository. Files that they write go to a temporary folder.
func (e *environment) follow(commands string) {
	ctx, cancel := context.WithTimeout(e.Context(), 6*time.Minute)
	defer cancel()
	root, err := filepath.Abs("../..")
	must(e, err)
	work := e.TempDir()
	for _, folder := range []string{"bin", "charts", "config", "hack"} {
		must(e, os.Symlink(filepath.Join(root, folder), filepath.Join(work, folder)))
	}
	bash := exec.CommandContext(ctx, "bash", "-euxo", "pipefail", "-c", commands)
	bash.Dir = work
	bash.Env = append(os.Environ(), "KUBECONFIG="+e.kubeconfig(work),
		"PATH="+filepath.Join(root, "bin/k8s/current")+":"+os.Getenv("PATH"))
	output, err := bash.CombinedOutput()
	e.Logf("%s", output)
	must(e, err)
}

// kubeconfig writes a kubeconfig whose current namespace is the test's.
func (e *environment) kubeconfig(folder string) string {
	config, err := clientcmd.NewDefaultClientConfigLoadingRules().Load()
	must(e, err)
	config.Contexts[config.CurrentContext].Namespace = e.namespace
	file := filepath.Join(folder, "kubeconfig")
	must(e, clientcmd.WriteToFile(*config, file))
	return file
}
