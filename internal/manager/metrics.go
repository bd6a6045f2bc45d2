package manager

import (
	"context"
	"crypto/tls"
	"fmt"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/appmetrics"
	"github.com/todoapp-operator/todoapp-operator/internal/servingcert"
)

// figures registers a collector while the manager runs. Only the leader exposes the metrics of apps, so that several replicas
// count each app once.
type figures struct {
	prometheus.Collector
	leader bool
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (f figures) NeedLeaderElection() bool { return f.leader }

// Start implements manager.Runnable.
func (f figures) Start(ctx context.Context) error {
	if err := ctrlmetrics.Registry.Register(f.Collector); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	defer ctrlmetrics.Registry.Unregister(f.Collector)
	<-ctx.Done()
	return nil
}

// addMetrics exposes the apps, the build, the watches and, if there is a webhook, when its certificate expires.
func addMetrics(mgr ctrl.Manager, s settings, rotator *servingcert.Rotator, watches *controllers.WatchHealth) error {
	apps := appmetrics.Collector(func(ctx context.Context) ([]todov1.TodoApp, error) {
		var list todov1.TodoAppList
		if err := mgr.GetCache().List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("listing apps: %w", err)
		}
		return list.Items, nil
	}, time.Now, s.metricsPerApp)
	shown := []figures{{apps, true}, {appmetrics.BuildInfo(s.version), false}, {appmetrics.Watches(watches.Failing), false}}
	switch {
	case rotator != nil:
		shown = append(shown, figures{appmetrics.Certificate(rotator.Expiry), false})
	case s.webhook:
		expiry := func() time.Time { return expiryIn(s.certificateDir) }
		shown = append(shown, figures{appmetrics.Certificate(expiry), false})
	}
	for _, f := range shown {
		if err := mgr.Add(f); err != nil {
			return fmt.Errorf("adding metrics: %w", err)
		}
	}
	return nil
}

// expiryIn returns when the certificate in a directory expires. It is zero if there is no certificate yet.
func expiryIn(directory string) time.Time {
	pair, err := tls.LoadX509KeyPair(filepath.Join(directory, "tls.crt"), filepath.Join(directory, "tls.key"))
	if err != nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter
}
