// Command certmanager runs cert-manager's controllers and its CA injector in one process, outside the cluster of
// KUBECONFIG. It runs only the controllers that a self-signed authority needs, without ACME, Vault and the webhook.
// Upstream's commands are modules with relative replace directives, which the module proxy cannot serve; the
// controllers are in a module that it serves.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	requestsca "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca" // registers itself
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

// started lists the controllers that issue a Certificate into its Secret, by cert-manager's names.
var started = []string{
	issuers.ControllerName,
	trigger.ControllerName, keymanager.ControllerName, requestmanager.ControllerName, issuing.ControllerName,
	readiness.ControllerName, revisionmanager.ControllerName,
	approver.ControllerName, requestsca.CRControllerName, selfsigned.CRControllerName,
}

// certificateTimes holds the defaults of cert-manager's command for the pauses after a failed request.
var certificateTimes = controller.CertificateOptions{
	CertificateRequestMinimumBackoffDuration: time.Hour,
	CertificateRequestMaximumBackoffDuration: 32 * time.Hour,
}

// workers is the number of workers of each controller.
const workers = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := logr.FromSlogHandler(slog.NewTextHandler(os.Stdout, nil))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	if err := run(logr.NewContext(ctx, logger), os.Getenv("KUBECONFIG")); err != nil {
		fmt.Fprintln(os.Stderr, "certmanager:", err)
		os.Exit(1)
	}
}

// run starts all controllers with one manager, and stops all when one of them stops.
func run(ctx context.Context, kubeconfig string) error {
	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		Kubeconfig: kubeconfig, CertificateOptions: certificateTimes,
	})
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	shared, err := factory.Build()
	if err != nil {
		return fmt.Errorf("reaching the cluster: %w", err)
	}
	mgr, err := newManager(shared.RESTConfig)
	if err != nil {
		return err
	}
	if err := addInjector(ctx, mgr); err != nil {
		return err
	}
	if err := addControllers(mgr, factory); err != nil {
		return err
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

// newManager returns a manager with the types that the injector handles. It reads Secrets live, and watches only their
// metadata.
func newManager(config *rest.Config) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, cmapi.AddToScheme, apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"},
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
	})
	if err != nil {
		return nil, fmt.Errorf("making a manager: %w", err)
	}
	return mgr, nil
}

// addInjector adds the controllers that put the authority of a Certificate into the webhook configurations that name
// it.
func addInjector(ctx context.Context, mgr ctrl.Manager) error {
	err := cainjector.RegisterAllInjectors(ctx, mgr, cainjector.SetupOptions{
		EnableCertificatesDataSource: true,
		EnabledReconcilersFor:        map[string]bool{cainjector.ValidatingWebhookConfigurationName: true},
	})
	if err != nil {
		return fmt.Errorf("adding the injector: %w", err)
	}
	return nil
}

func addControllers(mgr ctrl.Manager, factory *controller.ContextFactory) error {
	for _, name := range started {
		c, err := controller.Known()[name](factory)
		if err != nil {
			return fmt.Errorf("making the controller %s: %w", name, err)
		}
		run := manager.RunnableFunc(func(ctx context.Context) error { return c.Run(workers, ctx) })
		if err := mgr.Add(run); err != nil {
			return fmt.Errorf("adding the controller %s: %w", name, err)
		}
	}
	return nil
}
