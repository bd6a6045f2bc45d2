package manager

import (
	"crypto/rand"
	"fmt"
	"time"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// newManager puts the parts together; nothing runs yet.
func newManager(cfg *rest.Config, s settings) (ctrl.Manager, error) {
	options, err := s.options()
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(cfg, options)
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("adding the health check: %w", err)
	}
	reconciler := &controllers.Reconciler{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(),
		Events: mgr.GetEventRecorder(controllers.FieldOwner),
		Images: desired.Images{TaskAPI: s.image}, Verifiers: controllers.NewVerifiers(),
		Now: time.Now, NewKey: newKey,
	}
	if err := reconciler.SetupWithManager(mgr); err != nil {
		return nil, err
	}
	return mgr, nil
}

func (s settings) options() (ctrl.Options, error) {
	scheme, err := Scheme()
	if err != nil {
		return ctrl.Options{}, err
	}
	caches, err := controllers.CacheOptions()
	if err != nil {
		return ctrl.Options{}, err
	}
	for _, namespace := range s.namespaces() {
		if caches.DefaultNamespaces == nil {
			caches.DefaultNamespaces = map[string]cache.Config{}
		}
		caches.DefaultNamespaces[namespace] = cache.Config{}
	}
	return ctrl.Options{
		Scheme: scheme, Cache: caches,
		Metrics:                server.Options{BindAddress: s.metrics},
		HealthProbeBindAddress: s.health,
		LeaderElection:         s.leaderElection, LeaderElectionID: "todoapp-operator", LeaderElectionNamespace: s.namespace,
		LeaderElectionReleaseOnCancel: true,
		Controller:                    config.Controller{MaxConcurrentReconciles: workers},
	}, nil
}

// newKey draws a key. The system's randomness does not fail: where it would, the process ends.
func newKey() keyring.Value {
	var random [32]byte
	_, _ = rand.Read(random[:])
	return keyring.Mint(random)
}
