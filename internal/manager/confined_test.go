package manager

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/testenv"
)

var apiServer *rest.Config

func TestMain(m *testing.M) {
	if arguments := os.Getenv(managerArguments); arguments != "" {
		if err := Run(context.Background(), "test", strings.Fields(arguments), os.Getenv, os.Stderr); err != nil {
			log.Fatal(err)
		}
		return
	}
	testenv.Main(m, func(cfg *rest.Config) { apiServer = cfg })
}

// newAdmin returns a client of the API server with all rights.
func newAdmin(t *testing.T) client.Client {
	t.Helper()
	scheme, err := Scheme()
	must(t, err)
	admin, err := client.New(apiServer, client.Options{Scheme: scheme})
	must(t, err)
	return admin
}

// TestConfined runs the manager with the least rights that the chart can give it, those in one namespace and no
// certificates of its own, and with the flags that go with them.
func TestConfined(t *testing.T) {
	admin := newAdmin(t)
	system, one, two := newNamespace(t, admin), newNamespace(t, admin), newNamespace(t, admin)
	grantByChart(t, admin, system, "--set=certManager.enabled=true,watchNamespaces={"+one+"}")

	restore := withholdPods(t, admin, one)
	certificate := newCertificate(t)
	port, health := freePort(t), freePort(t)
	startProcess(t, system, "--task-api-image=task-api", "--namespace="+system, "--watch-namespaces="+one, "--leader-elect",
		"--metrics-listen=0", "--health-listen="+net.JoinHostPort("localhost", strconv.Itoa(health)),
		"--webhook-port="+strconv.Itoa(port), "--webhook-certificate-dir="+certificate.dir)
	await(t, func(ctx context.Context) error {
		return answers(ctx, health, http.StatusInternalServerError, "Pod objects")
	})
	restore()
	await(t, func(ctx context.Context) error { return answers(ctx, health, http.StatusOK, "ok") })
	for _, namespace := range []string{two, one} {
		must(t, admin.Create(t.Context(), &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "app"}}))
	}
	key := client.ObjectKey{Namespace: one, Name: "app-backend-auth"}
	await(t, func(ctx context.Context) error { return admin.Get(ctx, key, &corev1.Secret{}) })
	await(t, func(ctx context.Context) error { return certificate.servedOn(ctx, port) })
	var secrets corev1.SecretList
	must(t, admin.List(t.Context(), &secrets, client.InNamespace(two)))
	if len(secrets.Items) > 0 {
		t.Errorf("an app in another namespace was reconciled: %d Secrets", len(secrets.Items))
	}
}

// withholdPods takes the right to list pods out of the operator's role in a namespace, and returns how to restore it.
func withholdPods(t *testing.T, admin client.Client, namespace string) func() {
	t.Helper()
	var roles rbacv1.RoleList
	must(t, admin.List(t.Context(), &roles, client.InNamespace(namespace)))
	for i := range roles.Items {
		role := roles.Items[i].DeepCopy()
		before := len(role.Rules)
		role.Rules = slices.DeleteFunc(role.Rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "pods") })
		if len(role.Rules) < before {
			must(t, admin.Update(t.Context(), role))
			return func() {
				role.Rules = roles.Items[i].Rules
				must(t, admin.Update(t.Context(), role))
			}
		}
	}
	t.Fatal("no role allows to list pods")
	return nil
}

// answers returns an error unless the readiness check of the watches answers with a status and a text.
func answers(ctx context.Context, port, status int, text string) error {
	url := fmt.Sprintf("http://localhost:%d/readyz/watches", port)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !strings.Contains(string(body), text) {
		return fmt.Errorf("%s: %s (%w)", response.Status, body, err)
	}
	return nil
}

// newNamespace creates a namespace under a name of its own, so that a test can run more than once, and returns its name.
func newNamespace(t *testing.T, admin client.Client) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "manager-"}}
	must(t, admin.Create(t.Context(), namespace))
	return namespace.Name
}

// grantByChart creates the accounts, roles and bindings that the chart renders for a namespace, and none of its other objects. It
// deletes them at the end of the test.
func grantByChart(t *testing.T, admin client.Client, namespace string, args ...string) {
	t.Helper()
	const chart = "../../charts/todoapp-operator"
	// This walk makes the cache of go test depend on the chart, which helm reads.
	must(t, filepath.WalkDir(chart, func(string, fs.DirEntry, error) error { return nil }))
	args = append([]string{"template", "todoapp-operator", chart, "--namespace=" + namespace,
		"--show-only=templates/rbac.yaml"}, args...)
	rendered, err := exec.CommandContext(t.Context(), "../../bin/helm", args...).Output()
	if err != nil {
		t.Fatalf("rendering the chart: %v (make test builds what this needs)", err)
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(rendered), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		createUntilEnd(t, admin, object)
	}
}

// createUntilEnd creates an object, and deletes it at the end of the test.
func createUntilEnd(t *testing.T, admin client.Client, object client.Object) {
	t.Helper()
	must(t, admin.Create(t.Context(), object))
	t.Cleanup(func() { must(t, admin.Delete(context.Background(), object)) })
}

// certificate is a certificate that the operator did not make.
type certificate struct {
	dir   string
	roots *x509.CertPool
}

func newCertificate(t *testing.T) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"webhook"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	encodedKey, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	c := certificate{t.TempDir(), x509.NewCertPool()}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	encodedKey = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encodedKey})
	c.roots.AppendCertsFromPEM(encoded)
	must(t, os.WriteFile(filepath.Join(c.dir, "tls.crt"), encoded, 0o600))
	must(t, os.WriteFile(filepath.Join(c.dir, "tls.key"), encodedKey, 0o600))
	return c
}

// servedOn returns an error unless a port serves with the certificate.
func (c certificate) servedOn(ctx context.Context, port int) error {
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: c.roots, ServerName: "webhook", MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("localhost", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("dialling: %w", err)
	}
	return connection.Close()
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	must(t, err)
	must(t, listener.Close())
	return listener.Addr().(*net.TCPAddr).Port
}

func await(t *testing.T, missing func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		last = missing(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatal(last)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
