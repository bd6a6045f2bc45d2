package manager

import (
	"io"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	ctrl "sigs.k8s.io/controller-runtime"
)

// TestControlFlags checks the flags of the controller and of leader election: the defaults are right, and mistakes are told.
func TestControlFlags(t *testing.T) {
	for flag, want := range map[string]string{
		"":                                     "",
		"--workers=0":                          "--workers must be positive",
		"--concurrent-rotations=-1":            "--concurrent-rotations must not be negative",
		"--kube-api-qps=-1":                    "--kube-api-qps must not be negative",
		"--kube-api-qps=10 --kube-api-burst=0": "--kube-api-burst must be positive",
		"--cache-sync-timeout=0s":              "--cache-sync-timeout must be positive",
		"--watch-label-selector=team=a":        "must name the label todoapp.dev/shard only",
		"--watch-label-selector=!!":            "reading the label selector",
		"--leader-election-retry-period=9s":    "--leader-election-renew-deadline must be longer than 1.2 times",
		"--leader-election-lease-duration=7s":  "--leader-election-lease-duration must be longer than the renew deadline",
	} {
		args := append([]string{"--task-api-image=image", "--namespace=system", "--leader-elect"}, strings.Fields(flag)...)
		_, err := parse(args, func(string) string { return "" }, io.Discard)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", flag, err, want)
		}
	}
}

// TestAStandbyLeadsSoonAfterTheLease checks that by default a standby leads within two seconds after the lease of a killed leader:
// it may read the last renewal one jittered retry period late, and the lease as ended another one.
func TestAStandbyLeadsSoonAfterTheLease(t *testing.T) {
	args := []string{"--task-api-image=image", "--namespace=system", "--leader-elect"}
	s, err := parse(args, func(string) string { return "" }, io.Discard)
	must(t, err)
	late := 2 * time.Duration((1+leaderelection.JitterFactor)*float64(s.retryPeriod))
	if late > 2*time.Second || s.lease%time.Second != 0 {
		t.Errorf("a standby may lead %s after a lease of %s", late, s.lease)
	}
}

// TestALeaderEndsBeforeItsLease: client-go tries to renew the lease until the deadline, then to release it, for half as long at
// most, and only then ends the leader.
func TestALeaderEndsBeforeItsLease(t *testing.T) {
	args := []string{"--task-api-image=image", "--namespace=system", "--leader-elect"}
	s, err := parse(args, func(string) string { return "" }, io.Discard)
	must(t, err)
	if ends := s.retryPeriod + s.renewDeadline + s.renewDeadline/2; ends >= s.lease {
		t.Errorf("a leader may end %s after its last renewal, and its lease after %s", ends, s.lease)
	}
}

// TestOneLimitForAllKinds checks that the clients of a replica share one limit on requests, which does not delay the lease.
func TestOneLimitForAllKinds(t *testing.T) {
	cfg := (control{qps: 2, burst: 3}).limited(&rest.Config{})
	if a, b := rest.CopyConfig(cfg), rest.CopyConfig(cfg); a.RateLimiter == nil || a.RateLimiter != b.RateLimiter {
		t.Error("two clients have limits of their own")
	}
	taken := 0
	for cfg.RateLimiter.TryAccept() {
		taken++
	}
	if taken != 3 {
		t.Errorf("%d requests at once are admitted", taken)
	}
	var options ctrl.Options
	(control{leaderElection: true}).apply(&options, cfg, "system")
	if lease := options.LeaderElectionConfig; lease.RateLimiter != nil || lease.QPS >= 0 {
		t.Errorf("the lease is renewed under a limit: %v, %v", lease.RateLimiter, lease.QPS)
	}
	if !cfg.DisableCompression {
		t.Error("the API server compresses each event of each watch")
	}
	if free := (control{}).limited(&rest.Config{}); free.RateLimiter != nil || free.QPS >= 0 {
		t.Errorf("without --kube-api-qps there is a limit: %v", free.QPS)
	}
}

// TestAShardHasALeaseOfItsOwn checks that managers compete for a lease only with those of the same shard.
func TestAShardHasALeaseOfItsOwn(t *testing.T) {
	leases := map[string]string{}
	for _, flags := range []string{
		"", "--watch-label-selector=todoapp.dev/shard=a", "--watch-label-selector=todoapp.dev/shard!=a",
		"--watch-label-selector=todoapp.dev/shard=b", "--leader-election-id=mine",
	} {
		args := append([]string{"--task-api-image=image", "--namespace=system"}, strings.Fields(flags)...)
		s, err := parse(args, func(string) string { return "" }, io.Discard)
		if other, taken := leases[s.leaseName]; err != nil || taken {
			t.Errorf("%q has the lease %q like %q (%v)", flags, s.leaseName, other, err)
		}
		leases[s.leaseName] = flags
	}
	for _, name := range []string{"todoapp-operator", "mine"} {
		if _, ok := leases[name]; !ok {
			t.Errorf("no manager has the lease %q: %v", name, leases)
		}
	}
}
