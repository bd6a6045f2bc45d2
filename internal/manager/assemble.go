package manager

import (
	"crypto/rand"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
	"github.com/todoapp-operator/todoapp-operator/internal/servingcert"
	"github.com/todoapp-operator/todoapp-operator/internal/webhookserver"
	"github.com/todoapp-operator/todoapp-operator/webhook"
)

// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=localsubjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,resourceNames=todoapp-operator,verbs=get;patch
// +kubebuilder:rbac:groups="",namespace=todoapp-system,resources=secrets,verbs=create
// +kubebuilder:rbac:groups="",namespace=todoapp-system,resources=secrets,resourceNames=todoapp-operator-webhook-cert,verbs=get;update
// +kubebuilder:rbac:groups=apps,namespace=todoapp-system,resources=deployments,resourceNames=todoapp-operator,verbs=get
// +kubebuilder:rbac:groups="",namespace=todoapp-system,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=todoapp-system,resources=leases,verbs=create;get;update

// newManager assembles a manager without starting it. Ending is closed when the manager is to stop.
func newManager(cfg *rest.Config, s settings, ending <-chan struct{}) (ctrl.Manager, error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, err
	}
	options, err := s.options(cfg, scheme)
	if err != nil {
		return nil, err
	}
	watches := controllers.NewWatchHealth(time.Now)
	watches.Attach(&options.Cache)
	serving := webhookserver.Options{
		Port: s.webhookPort, CertificateDir: s.certificateDir, Serves: s.servesPath, Ending: ending,
	}
	var rotator *servingcert.Rotator
	if s.webhook && s.certificateDir == "" {
		if rotator, err = newRotator(cfg, scheme, s); err != nil {
			return nil, err
		}
		serving.TLS, serving.Serves = rotator.TLS, rotator.Serves
	}
	options.WebhookServer = webhookserver.New(serving)
	options.Metrics = s.metricsServer(rotator)
	turns := &controllers.Turns{}
	taking := rest.CopyConfig(cfg)
	taking.Wrap(turns.Wrap)
	mgr, err := ctrl.NewManager(taking, options)
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	if err := addController(mgr, s, watches, turns); err != nil {
		return nil, err
	}
	if s.webhook {
		if err := addWebhook(mgr, rotator, s); err != nil {
			return nil, err
		}
	}
	return mgr, addMetrics(mgr, s, rotator, watches)
}

// addController adds the controller and the checks of health and readiness.
func addController(mgr ctrl.Manager, s settings, watches *controllers.WatchHealth, turns *controllers.Turns) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("watches", watches.Check); err != nil {
		return fmt.Errorf("adding the readiness check of the watches: %w", err)
	}
	return newReconciler(mgr, s, watches, turns).SetupWithManager(mgr)
}

func newReconciler(
	mgr ctrl.Manager, s settings, watches *controllers.WatchHealth, turns *controllers.Turns,
) *controllers.Reconciler {
	return &controllers.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(),
		Events: mgr.GetEventRecorder(controllers.FieldOwner),
		Images: s.images(), Network: s.network, Namespaces: s.namespaces(),
		Shard:     s.shard.Selector,
		Verifiers: controllers.NewVerifiers(), Rotations: controllers.NewRotations(s.rotations),
		WatchHealth: watches, Turns: turns, Now: time.Now, NewKey: newKey,
	}
}

// newRotator returns the rotator of the webhook's certificate. The manager's options need it before there is a manager.
func newRotator(cfg *rest.Config, scheme *runtime.Scheme, s settings) (*servingcert.Rotator, error) {
	live, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making a client for the webhook's certificate: %w", err)
	}
	return servingcert.New(live, live, servingcert.Options{
		Namespace: s.namespace, ServiceName: "todoapp-operator-webhook", SecretName: "todoapp-operator-webhook-cert",
		WebhookConfigurationName: "todoapp-operator", Lifetime: s.certificateLife,
		Paths: webhook.Paths, RolledOut: rollout{live, s.namespace}.over,
	})
}

func addRotator(mgr ctrl.Manager, rotator *servingcert.Rotator) error {
	if err := mgr.Add(rotator); err != nil {
		return fmt.Errorf("adding the webhook's certificate: %w", err)
	}
	if err := mgr.AddReadyzCheck("webhook-certificate", rotator.Ready); err != nil {
		return fmt.Errorf("adding the certificate's readiness check: %w", err)
	}
	return nil
}

// addWebhook adds the webhook and, unless its certificate is managed elsewhere, the rotator.
func addWebhook(mgr ctrl.Manager, rotator *servingcert.Rotator, s settings) error {
	if rotator != nil {
		if err := addRotator(mgr, rotator); err != nil {
			return err
		}
	}
	if err := mgr.AddReadyzCheck("webhook", mgr.GetWebhookServer().StartedChecker()); err != nil {
		return fmt.Errorf("adding the webhook's readiness check: %w", err)
	}
	all := client.Reader(mgr.GetCache())
	if s.shard.Selector != nil {
		var err error
		if all, err = controllers.AllTodoApps(mgr, s.namespaces()...); err != nil {
			return err
		}
	}
	return webhook.Setup(mgr, all, s.referenceRights)
}

func (s settings) options(cfg *rest.Config, scheme *runtime.Scheme) (ctrl.Options, error) {
	caches, err := controllers.CacheOptions(s.namespaces()...)
	if err != nil {
		return ctrl.Options{}, err
	}
	if s.shard.Selector != nil {
		controllers.InShard(&caches, s.shard.Selector)
	}
	options := ctrl.Options{
		Scheme: scheme, Cache: caches,
		PprofBindAddress:       s.pprof,
		HealthProbeBindAddress: s.health,
	}
	s.apply(&options, cfg, s.namespace)
	return options, nil
}

// newKey generates a key. crypto/rand never returns an error: it ends the process if the system has no randomness.
func newKey() keyring.Value {
	var random [32]byte
	_, _ = rand.Read(random[:])
	return keyring.Generate(random)
}
