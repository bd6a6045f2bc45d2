//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestSecureMetrics installs the chart with metrics.secure and reads the metrics of a manager as the ServiceMonitor describes:
// with the token of a service account that may get /metrics, and the authority and the name of the webhook's certificate.
func TestSecureMetrics(t *testing.T) {
	e := newEnvironment(t)
	t.Cleanup(func() {
		if !t.Failed() {
			return // already restored
		}
		if output, err := command(context.Background(), "../install.sh"); err != nil {
			t.Errorf("installing the operator again: %v\n%s", err, output)
		}
	})
	e.install(presentChart, "dev", "--set=metrics.secure=true")
	e.kubectl("create", "serviceaccount", "reader")
	e.kubectl("create", "serviceaccount", "other")
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: e.namespace + "-reads-metrics"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "todoapp-operator-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: e.namespace, Name: "reader"}},
	}
	must(e, cluster.Create(e.Context(), binding))
	t.Cleanup(func() { _ = cluster.Delete(context.Background(), binding) })

	forward := e.start(exec.Command(kubectl(), "--namespace="+system, "port-forward", "--address=127.0.0.1",
		"deployment/"+operator, ":8080"))
	const told = "Forwarding from "
	_, rest, _ := strings.Cut(forward.await(told), told)
	address, _, _ := strings.Cut(rest, " ")
	scrape := e.scraper("https://" + address + "/metrics")
	reader := strings.TrimSpace(e.kubectl("create", "token", "reader"))
	e.await("metrics for a client with the right", startWithin, func() error { return scrape(reader, "200 OK", "todoapp_build_info") })
	must(e, scrape("", "401 Unauthorized", ""))
	must(e, scrape(strings.TrimSpace(e.kubectl("create", "token", "other")), "403 Forbidden", ""))
	e.install(presentChart, "dev")
}

// scraper returns a function that reads metrics with a token and returns an error for another status, or without a text. It
// trusts the authority of the webhook's certificate only.
func (e *environment) scraper(url string) func(token, status, text string) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(e.serving().Data["ca.crt"])
	prometheus := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: roots, ServerName: "todoapp-operator-webhook." + system + ".svc", MinVersion: tls.VersionTLS12,
	}}}
	return func(token, status, text string) error {
		request, err := http.NewRequestWithContext(e.Context(), http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := prometheus.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.Status != status || !strings.Contains(string(body), text) {
			return fmt.Errorf("expected %s, got %s: %.200s (%w)", status, response.Status, body, err)
		}
		return nil
	}
}
