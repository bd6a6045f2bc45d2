// Package integration_test runs the webhook and the policy against a real API server.
package integration_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/servingcert"
	"github.com/todoapp-operator/todoapp-operator/internal/webhookserver"
	"github.com/todoapp-operator/todoapp-operator/webhook"
)

const (
	operatorNamespace = "todoapp-system"
	serviceName       = "todoapp-operator-webhook"
	configName        = "todoapp-operator"
	secretName        = "todoapp-operator-webhook-cert"
)

// A real API server, with the CRD, the webhook as it is configured and served in a cluster, and the policy.
var (
	environment = &envtest.Environment{CRDDirectoryPaths: []string{"../../config/crd"}, ErrorIfCRDPathMissing: true}
	admin       client.Client
	scheme      = runtime.NewScheme()
	assets      string
)

func TestMain(m *testing.M) {
	if arguments := os.Getenv(asManager); arguments != "" {
		os.Exit(runManager(arguments))
	}
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if assets, err = findAssets(); err != nil {
		return 0, err
	}
	environment.BinaryAssetsDirectory = assets
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, todov1.AddToScheme} {
		if err := add(scheme); err != nil {
			return 0, err
		}
	}
	config, err := environment.Start()
	if err != nil {
		return 0, fmt.Errorf("starting the API server: %w", err)
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	unlimited := rest.CopyConfig(config)
	unlimited.QPS = -1
	if admin, err = client.New(unlimited, client.Options{Scheme: scheme}); err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := serveWebhook(ctx, config); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// findAssets returns the directory with etcd, kube-apiserver and kubectl.
func findAssets() (string, error) {
	if named := os.Getenv("KUBEBUILDER_ASSETS"); named != "" {
		return named, nil
	}
	built, _ := filepath.Glob("../../bin/k8s/*/kube-apiserver")
	if len(built) == 0 {
		return "", fmt.Errorf("no kube-apiserver: set KUBEBUILDER_ASSETS or build the tools")
	}
	return filepath.Abs(filepath.Dir(built[len(built)-1]))
}

func serveWebhook(ctx context.Context, config *rest.Config) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	if err := install(ctx, port); err != nil {
		return err
	}
	ready, done, err := startManager(ctx, config, port, servingcert.Options{
		Namespace: operatorNamespace, ServiceName: serviceName, SecretName: secretName, WebhookConfigurationName: configName,
	})
	if err != nil {
		return err
	}
	for {
		select {
		case err := <-done:
			return fmt.Errorf("the manager ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
			if ready() == nil {
				return nil
			}
		}
	}
}

// startManager runs a manager with nothing but the webhook, as the operator if the config names no other user, and returns its
// readiness check and how it ended. It watches the given namespaces, or all if none is given. It is the manager of a shard to
// which no app belongs, so every rule that looks for other TodoApps finds them across shards.
func startManager(
	ctx context.Context, config *rest.Config, port int, o servingcert.Options, namespaces ...string,
) (func() error, chan error, error) {
	if config.Impersonate.UserName == "" {
		config = rest.CopyConfig(config)
		config.Impersonate = rest.ImpersonationConfig{UserName: operatorUser, Groups: []string{"system:masters"}}
	}
	caches, err := controllers.CacheOptions(namespaces...)
	if err != nil {
		return nil, nil, err
	}
	shard, err := labels.Parse(todov1.LabelShard + "=without-apps")
	if err != nil {
		return nil, nil, err
	}
	controllers.InShard(&caches, shard)
	var rotator *servingcert.Rotator
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Cache: caches, Metrics: server.Options{BindAddress: "0"},
		WebhookServer: webhookserver.New(webhookserver.Options{
			Host: "127.0.0.1", Port: port, TLS: func(c *tls.Config) { rotator.TLS(c) },
			Serves: func(ctx context.Context, path string) bool { return rotator.Serves(ctx, path) },
		}),
	})
	if err != nil {
		return nil, nil, err
	}
	o.Paths = webhook.Paths
	if rotator, err = servingcert.New(mgr.GetClient(), mgr.GetAPIReader(), o); err != nil {
		return nil, nil, err
	}
	all, err := controllers.AllTodoApps(mgr, namespaces...)
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(mgr.Add(rotator), webhook.Setup(mgr, all, webhook.Enforce)); err != nil {
		return nil, nil, err
	}
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	ready := func() error {
		if err := rotator.Ready(nil); err != nil {
			return err
		}
		return mgr.GetWebhookServer().StartedChecker()(nil)
	}
	return ready, done, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// install applies config/webhook. There is no kube-proxy, so the Service is an external name and its port the server's.
func install(ctx context.Context, port int) error {
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: operatorNamespace}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: serviceName, Namespace: operatorNamespace},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "127.0.0.1"},
		},
	}
	hooks := &admissionv1.ValidatingWebhookConfiguration{}
	policy, binding := &admissionv1.ValidatingAdmissionPolicy{}, &admissionv1.ValidatingAdmissionPolicyBinding{}
	if err := errors.Join(
		read("../../config/webhook/validatingwebhookconfiguration.yaml", hooks),
		read("../../config/webhook/managedsecrets.yaml", policy, binding),
	); err != nil {
		return err
	}
	for i := range hooks.Webhooks {
		hooks.Webhooks[i].ClientConfig.Service.Port = new(int32(port))
	}
	for _, object := range append(objects, hooks, policy, binding) {
		if err := admin.Create(ctx, object); err != nil {
			return fmt.Errorf("creating %T: %w", object, err)
		}
	}
	return nil
}

// read decodes the documents of a file into objects, strictly.
func read(path string, objects ...client.Object) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	documents := utilyaml.NewYAMLReader(bufio.NewReader(file))
	for _, object := range objects {
		document, err := documents.Read()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
