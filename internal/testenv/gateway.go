package testenv

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// GatewayAPI returns the files of the CRDs that HTTPRoutes need, as the Gateway API releases them. Its version is that of the
// module in go.mod.
func GatewayAPI(ctx context.Context) ([]string, error) {
	folder, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return nil, fmt.Errorf("finding the module of the Gateway API: %w", err)
	}
	var files []string
	for _, kind := range []string{"gatewayclasses", "gateways", "httproutes"} {
		files = append(files, filepath.Join(strings.TrimSpace(string(folder)),
			"config/crd/standard/gateway.networking.k8s.io_"+kind+".yaml"))
	}
	return files, nil
}
