package manager

import (
	"flag"
	"fmt"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/util/flowcontrol"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
)

// control holds the settings of the controller and of leader election.
type control struct {
	workers, rotations int
	cacheSyncTimeout   time.Duration
	// qps and burst limit the requests of one replica; qps is zero for no limit.
	qps   float64
	burst int

	leaderElection                    bool
	leaseName                         string
	lease, renewDeadline, retryPeriod time.Duration
}

// controlFlags adds the flags about the controller and leader election. A standby sees a renewal and the end of the lease up to 2.2
// retry periods late each, so with the defaults it leads at most two seconds after the lease has ended. Every retry period costs
// the API server one update and one read.
func controlFlags(flags *flag.FlagSet, c *control) {
	flags.IntVar(&c.workers, "workers", 8, "`number` of apps that are reconciled at the same time")
	flags.IntVar(&c.rotations, "concurrent-rotations", 32,
		"`number` of apps that may begin a rotation at the same time; a revocation never waits; 0 is no limit")
	flags.Float64Var(&c.qps, "kube-api-qps", 0,
		"`requests` per second that a replica sends to the API server, of all kinds together; 0 is no limit: API servers limit "+
			"their clients by priority and fairness, and a replica has no more requests open than it has workers")
	flags.IntVar(&c.burst, "kube-api-burst", 400, "`requests` that may exceed --kube-api-qps for a moment")
	flags.DurationVar(&c.cacheSyncTimeout, "cache-sync-timeout", 10*time.Minute,
		"how long the first lists of all objects may take; then the manager ends")
	flags.BoolVar(&c.leaderElection, "leader-elect", false, "let one replica at a time drive apps")
	flags.StringVar(&c.leaseName, "leader-election-id", "",
		"`name` of the lease of the leader (default todoapp-operator, with a suffix of its own for each --watch-label-selector)")
	flags.DurationVar(&c.lease, "leader-election-lease-duration", 12*time.Second,
		"how long after its last renewal the lease of a leader that has failed is left to it")
	flags.DurationVar(&c.renewDeadline, "leader-election-renew-deadline", 7*time.Second,
		"how long a leader tries to renew its lease before it starts again as a standby")
	flags.DurationVar(&c.retryPeriod, "leader-election-retry-period", 400*time.Millisecond,
		"how often the lease is renewed, and read by the other replicas")
}

// check returns an error for settings that contradict each other.
func (c control) check() error {
	switch {
	case c.workers < 1:
		return fmt.Errorf("--workers must be positive: %d", c.workers)
	case c.rotations < 0:
		return fmt.Errorf("--concurrent-rotations must not be negative: %d", c.rotations)
	case c.qps < 0:
		return fmt.Errorf("--kube-api-qps must not be negative: %g", c.qps)
	case c.qps > 0 && c.burst < 1:
		return fmt.Errorf("--kube-api-burst must be positive if there is a limit: %d", c.burst)
	case c.cacheSyncTimeout <= 0:
		return fmt.Errorf("--cache-sync-timeout must be positive: %s", c.cacheSyncTimeout)
	case !c.leaderElection:
		return nil
	case c.retryPeriod <= 0 || c.renewDeadline <= time.Duration(leaderelection.JitterFactor*float64(c.retryPeriod)):
		return fmt.Errorf("--leader-election-renew-deadline must be longer than %g times the retry period: %s, %s",
			leaderelection.JitterFactor, c.renewDeadline, c.retryPeriod)
	case c.lease < time.Second || c.lease <= c.renewDeadline:
		return fmt.Errorf("--leader-election-lease-duration must be longer than the renew deadline: %s, %s", c.lease, c.renewDeadline)
	}
	return nil
}

// apply sets the options of a manager. The caches of a replica that does not lead are filled too, so that it takes over without
// reading anything. Leases are renewed outside the limit on requests.
func (c control) apply(options *ctrl.Options, cfg *rest.Config, namespace string) {
	options.LeaderElection, options.LeaderElectionID, options.LeaderElectionNamespace = c.leaderElection, c.leaseName, namespace
	options.LeaderElectionReleaseOnCancel = true
	options.LeaderElectionConfig = unlimited(cfg)
	if c.leaderElection {
		options.LeaseDuration, options.RenewDeadline, options.RetryPeriod = &c.lease, &c.renewDeadline, &c.retryPeriod
	}
	options.Controller = config.Controller{
		MaxConcurrentReconciles: c.workers, CacheSyncTimeout: c.cacheSyncTimeout, EnableWarmup: new(true),
	}
}

// limited returns a configuration whose clients share the limit on requests, if there is one.
func (c control) limited(cfg *rest.Config) *rest.Config {
	limited := unlimited(cfg)
	if c.qps > 0 {
		limited.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(float32(c.qps), c.burst)
	}
	return limited
}

// unlimited returns a configuration without a limit on requests. Answers are not compressed, which is for slow networks: the API
// server would compress each event of each watch.
func unlimited(cfg *rest.Config) *rest.Config {
	free := rest.CopyConfig(cfg)
	free.QPS, free.RateLimiter, free.DisableCompression = -1, nil, true
	return free
}
