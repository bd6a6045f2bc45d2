// Package testenv starts a real API server for tests: the pinned version that make builds, or the user's own.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Main runs the tests of a package against an API server with the CRD of TodoApps. It exits the process.
func Main(m *testing.M, use func(*rest.Config)) {
	code, err := run(m, use)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, use func(*rest.Config)) (code int, err error) {
	root, err := moduleRoot()
	if err != nil {
		return 1, err
	}
	env := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd")},
		ErrorIfCRDPathMissing: true,
		BinaryAssetsDirectory: os.Getenv("KUBEBUILDER_ASSETS"),
	}
	if env.BinaryAssetsDirectory == "" {
		built, err := filepath.Glob(filepath.Join(root, "bin", "k8s", "v*"))
		if err != nil || len(built) == 0 {
			return 1, errors.New("found no API server to test against: run hack/tools/build.sh envtest, or set KUBEBUILDER_ASSETS")
		}
		env.BinaryAssetsDirectory = built[len(built)-1]
	}
	config, err := env.Start()
	defer func() { err = errors.Join(err, env.Stop()) }() // also if the start failed half-way
	if err != nil {
		return 1, fmt.Errorf("starting the API server: %w", err)
	}
	use(config)
	return m.Run(), nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "PROJECT")); missing == nil {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		err = errors.New("no PROJECT file above the working directory")
	}
	return "", fmt.Errorf("finding the project: %w", err)
}
