package manager

import (
	"context"
	"crypto/tls"
	"fmt"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/controllers"
	"github.com/todoapp-operator/todoapp-operator/internal/appmetrics"
	"github.com/todoapp-operator/todoapp-operator/internal/servingcert"
)

// figures are metrics that are there as long as the manager runs. Those of apps are the leader's: with several replicas
// each app is seen once.
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
func addMetrics(mgr ctrl.Manager, s settings, keeper *servingcert.Keeper, watches *controllers.WatchHealth) error {
	apps := appmetrics.Collector(func(ctx context.Context) ([]todov1.TodoApp, error) {
		var list todov1.TodoAppList
		if err := mgr.GetCache().List(ctx, &list); err != nil {
			return nil, fmt.Errorf("listing apps: %w", err)
		}
		return list.Items, nil
	})
	shown := []figures{{apps, true}, {appmetrics.BuildInfo(s.version), false}, {appmetrics.Watches(watches.Failing), false}}
	switch {
	case keeper != nil:
		shown = append(shown, figures{appmetrics.Certificate(keeper.Expiry), false})
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

// expiryIn is when a certificate expires that someone else keeps in a directory; zero while there is none.
func expiryIn(directory string) time.Time {
	pair, err := tls.LoadX509KeyPair(filepath.Join(directory, "tls.crt"), filepath.Join(directory, "tls.key"))
	if err != nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter
}
