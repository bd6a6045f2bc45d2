// Package config tests that kubectl installs and removes the operator as docs/install.md describes.
package config

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/todoapp-operator/todoapp-operator/internal/testenv"
)

var apiServer *rest.Config

func TestMain(m *testing.M) { testenv.Main(m, func(c *rest.Config) { apiServer = c }) }

// TestComesAndGoes installs, upgrades and removes the operator. A TodoApp, created from the samples, must stay.
func TestComesAndGoes(t *testing.T) {
	if err := filepath.WalkDir(".", func(string, fs.DirEntry, error) error { return nil }); err != nil {
		t.Fatal(err) // makes the cache of go test depend on the files that kubectl reads
	}
	kubectl := kubectlFor(t)
	kubectl("apply", "-k", "samples")
	kubectl("apply", "--server-side", "-k", "default")
	kubectl("apply", "--server-side", "-k", "default") // the second time is an upgrade
	kubectl("apply", "--server-side", "-k", "crd")
	const operator = "deployment,service,role,rolebinding,clusterrole,clusterrolebinding,validatingwebhookconfiguration," +
		"validatingadmissionpolicy,validatingadmissionpolicybinding,poddisruptionbudget,networkpolicy"
	find := []string{"get", operator, "--all-namespaces", "-o", "name", "-l", "app.kubernetes.io/name=todoapp-operator"}
	if installed := strings.Fields(kubectl(find...)); len(installed) < 12 {
		t.Errorf("installed is %q", installed)
	}
	kubectl("delete", "-k", "webhook")
	kubectl("delete", "-k", "rbac")
	kubectl("delete", "-k", "manager", "--wait=false") // no controller here finalizes a namespace
	if left := strings.Fields(kubectl(find...)); len(left) > 0 {
		t.Errorf("not deleted: %q", left)
	}
	if phase := kubectl("get", "namespace", "todoapp-system", "-o", "jsonpath={.status.phase}"); phase != "Terminating" {
		t.Errorf("the namespace is %s", phase)
	}
	kubectl("get", "-f", "samples/todoapp.yaml")
}

// kubectlFor runs kubectl as an administrator of the API server.
func kubectlFor(t *testing.T) func(args ...string) string {
	t.Helper()
	config := api.NewConfig()
	config.Clusters["test"] = &api.Cluster{Server: apiServer.Host, CertificateAuthorityData: apiServer.CAData}
	config.AuthInfos["test"] = &api.AuthInfo{ClientCertificateData: apiServer.CertData, ClientKeyData: apiServer.KeyData}
	config.Contexts["test"] = &api.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "../bin/k8s/current/kubectl", append([]string{"--kubeconfig=" + file}, args...)...)
		var said strings.Builder
		cmd.Stderr = &said
		output, err := cmd.Output()
		if err != nil {
			t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, output, &said)
		}
		return string(output)
	}
}
