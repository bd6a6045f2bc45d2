// Command lint is golangci-lint together with the linter of Kubernetes API types. "golangci-lint custom" would generate
// the same program from a clone of its repository.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"

	_ "sigs.k8s.io/kube-api-linter" // registers the linter "kubeapilinter"
)

func main() {
	info := commands.BuildInfo{GoVersion: runtime.Version(), Version: pinned(), Commit: "none", Date: "none"}
	if err := commands.Execute(info); err != nil {
		fmt.Fprintln(os.Stderr, "golangci-lint:", err)
		os.Exit(exitcodes.Failure)
	}
}

// pinned returns the version in go.mod, or "unknown" if the binary was built without module information.
func pinned() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/golangci/golangci-lint/v2" {
			return module.Version
		}
	}
	return "unknown"
}
