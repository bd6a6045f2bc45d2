package integration_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/todoapp-operator/todoapp-operator/internal/plugin"
)

// A user with rights on two Secrets and on TodoApps adopts them by the plugin. The check without --apply, which sends dry runs,
// says the same as the webhook does with --apply.
func TestThePluginAdopts(t *testing.T) {
	ns := namespace(t, "plugin-adopts")
	one := allow("", "secrets", "get", "patch")
	one.ResourceNames = []string{"web", "api"}
	grant(t, ns, "adopter", allow("todoapp.dev", "todoapps", "*"), one)
	secret(t, ns, "web", "BETTER_AUTH_SECRET", "existing-key-0123456789abcdefghijklmnop")
	secret(t, ns, "api", "BETTER_AUTH_SECRET", "existing-key-0123456789abcdefghijklmnop")
	secret(t, ns, "shop-frontend-auth", "UNRELATED", "x")
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	adopt := func(status int, text string, more ...string) {
		t.Helper()
		var out bytes.Buffer
		args := append([]string{"adopt", "shop", "--frontend", "web", "--backend", "api", "-n", ns, "--as", "adopter",
			"--kubeconfig", kubeconfig}, more...)
		got := plugin.Run(t.Context(), "kubectl-todoapp", "", args,
			genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out})
		if got != status || !strings.Contains(out.String(), text) {
			t.Errorf("the status is %d, expected %d, and the output lacks %q:\n%s", got, status, text, out.String())
		}
	}
	adopt(0, "Nothing was changed. Add --apply to do it.")
	copier := app("copier", `{auth: {source: {secretRef: {name: web, key: BETTER_AUTH_SECRET}}}}`)
	create(t, copier, ns)
	adopt(1, "Secret web is used by TodoApp copier")
	expect(t, admin.Delete(t.Context(), copier), false, "deleting the copier")
	adopt(0, "Done. Next: label your workloads", "--apply")
}
