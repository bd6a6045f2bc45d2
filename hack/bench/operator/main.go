// Command operator measures the operator against a real API server with a kubelet that runs no containers, and compares it with a
// client that does nothing but create the same objects. README.md, in the folder above, explains the rows.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// options holds the values of the flags.
type options struct {
	binary, kubernetes, rows string
	managerFlags             string
	short                    bool
	apps, silentApps         int
	startApps, chaosApps     int
	steady                   time.Duration
}

// group is a number of rows that are measured in one environment.
type group struct {
	name  string
	about string
	run   func(context.Context, options, *report) error
}

// groups are all groups, in the order in which they run.
var groups = []group{
	{"small", "apps with an empty spec in one namespace: creation, rest, scrape, restart, rotation, newcomers, silent pods", runSmall},
	{"full", "apps with a frontend, PostgreSQL and an Ingress in ten namespaces: creation, rotation, memory", runFull},
	{"webhook", "reviews of apps and workloads, sent to the webhook itself", runWebhook},
	{"leader", "a new app after the leader was killed", runLeader},
	{"start", "starts over settled full apps with the chart's memory limit", runStart},
	{"chaos", "creation and rotation while requests fail and processes are killed and stopped", runChaos},
	{"flat", "cost per app of few and of many apps in one namespace", runFlat},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard()) // clients report each restart of the API server
	klog.SetLogger(logr.Discard())
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "floor" {
		return runFloor(ctx, args[1:])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	r := &report{}
	for _, g := range o.selected() {
		progress("== %s: %s", g.name, g.about)
		if err := g.run(ctx, o, r); err != nil {
			_ = r.print()
			return fmt.Errorf("measuring %s: %w", g.name, err)
		}
	}
	return r.print()
}

// parse reads the flags.
func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	flags.StringVar(&o.binary, "binary", "bin/todoapp-operator", "`file` of the operator's program")
	flags.StringVar(&o.kubernetes, "kubernetes", "bin/k8s/current",
		"`directory` with etcd, kube-apiserver and kube-controller-manager")
	flags.StringVar(&o.rows, "rows", "all", "comma-separated `groups` of rows: all, "+names())
	flags.StringVar(&o.managerFlags, "manager-flags", "", "space-separated `flags` of the manager, such as --workers=16")
	flags.BoolVar(&o.short, "short", false,
		"count requests with 200 apps and run chaos with 20, and fail if a count is above its ceiling")
	flags.IntVar(&o.apps, "apps", 1000, "`number` of apps of most rows")
	flags.IntVar(&o.silentApps, "silent-apps", 300, "`number` of apps whose pods do not answer")
	flags.IntVar(&o.startApps, "start-apps", 5000, "`number` of full apps over which the operator starts")
	flags.IntVar(&o.chaosApps, "chaos-apps", 200, "`number` of apps that are created and rotated in chaos")
	flags.DurationVar(&o.steady, "steady", time.Minute, "`time` for which the operator is watched at rest")
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("reading the flags: %w", err)
	}
	for name := range strings.SplitSeq(o.rows, ",") {
		if name != "all" && !slices.ContainsFunc(groups, func(g group) bool { return g.name == name }) {
			return o, fmt.Errorf("no rows %q: there are all, %s", name, names())
		}
	}
	for _, file := range []string{o.binary, o.kubernetes + "/kube-controller-manager", "config/crd"} {
		if _, err := os.Stat(file); err != nil {
			return o, fmt.Errorf("missing a file (run make build and hack/tools/build.sh kubernetes at the root of the repository): %w", err)
		}
	}
	return o, nil
}

// selected returns the groups to run.
func (o options) selected() []group {
	if o.short {
		chaos := func(ctx context.Context, o options, r *report) error {
			o.chaosApps = shortChaos
			return runChaos(ctx, o, r)
		}
		return []group{
			{"short", "counts with 100 and 200 apps", runShort},
			{"chaos", "creation and rotation while requests fail and processes are killed and stopped", chaos},
		}
	}
	asked := strings.Split(o.rows, ",")
	return slices.DeleteFunc(slices.Clone(groups), func(g group) bool {
		return !slices.Contains(asked, "all") && !slices.Contains(asked, g.name)
	})
}

func names() string {
	all := make([]string, len(groups))
	for i, g := range groups {
		all[i] = g.name
	}
	return strings.Join(all, ", ")
}
