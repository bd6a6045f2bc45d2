package manager

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestSecureMetrics runs a manager with --metrics-secure and the rights that the chart then gives it. Only a client whose token
// is genuine and who may get /metrics reads the metrics, by TLS with the certificate of the webhook.
func TestSecureMetrics(t *testing.T) {
	admin := newAdmin(t)
	namespace, apps := newNamespace(t, admin), newNamespace(t, admin)
	grantByChart(t, admin, namespace, "--set=certManager.enabled=true,metrics.secure=true,watchNamespaces={"+apps+"}")
	reader := tokenOf(t, admin, namespace, "reader")
	createUntilEnd(t, admin, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "secure-metrics-reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "todoapp-operator-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "reader"}},
	})

	certificate := newCertificate(t)
	port := freePort(t)
	startProcess(t, namespace, "--task-api-image=task-api", "--namespace="+namespace, "--watch-namespaces="+apps,
		"--webhook-port="+strconv.Itoa(freePort(t)), "--webhook-certificate-dir="+certificate.dir, "--health-listen=0",
		"--metrics-secure", "--metrics-listen=localhost:"+strconv.Itoa(port))
	scrape := scraper{certificate, port}
	await(t, func(ctx context.Context) error { return scrape.gets(ctx, reader, http.StatusOK, "controller_runtime") })
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"no token":       {"", http.StatusUnauthorized},
		"a forged token": {reader[:len(reader)-8] + "AAAAAAAA", http.StatusUnauthorized},
		"no right":       {tokenOf(t, admin, namespace, "other"), http.StatusForbidden},
	} {
		if err := scrape.gets(t.Context(), c.token, c.want, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain, err := http.Get("http://localhost:" + strconv.Itoa(port) + "/metrics")
	must(t, err)
	defer func() { _ = plain.Body.Close() }()
	if plain.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS the metrics answer %s", plain.Status)
	}
}

// startProcess runs a manager in a process of its own, with the operator's service account in a namespace, until the test ends.
func startProcess(t *testing.T, namespace string, args ...string) {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"test": {Server: apiServer.Host, CertificateAuthorityData: apiServer.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"test": {
			ClientCertificateData: apiServer.CertData, ClientKeyData: apiServer.KeyData,
			Impersonate: "system:serviceaccount:" + namespace + ":todoapp-operator",
		}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, kubeconfig))
	var log bytes.Buffer
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, managerArguments+"="+strings.Join(args, " "))
	command.Stdout, command.Stderr = &log, &log
	must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("the manager says:\n%s", &log)
		}
	})
}

// tokenOf creates a service account and returns a token of it.
func tokenOf(t *testing.T, admin client.Client, namespace, name string) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	must(t, admin.Create(t.Context(), account))
	request := &authenticationv1.TokenRequest{}
	must(t, admin.SubResource("token").Create(t.Context(), account, request))
	return request.Status.Token
}

// scraper reads metrics as Prometheus does.
type scraper struct {
	certificate certificate
	port        int
}

// gets returns an error unless the metrics answer a token with a status and a text.
func (s scraper) gets(ctx context.Context, token string, status int, text string) error {
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: s.certificate.roots, ServerName: "webhook", MinVersion: tls.VersionTLS12,
	}}
	defer transport.CloseIdleConnections()
	url := "https://" + net.JoinHostPort("localhost", strconv.Itoa(s.port)) + "/metrics"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("asking for metrics: %w", err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(request)
	if err != nil {
		return fmt.Errorf("asking for metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !strings.Contains(string(body), text) {
		return fmt.Errorf("expected %d, got %s: %.200s (%w)", status, response.Status, body, err)
	}
	return nil
}
