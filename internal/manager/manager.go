// Package manager assembles the operator's processes: the controller, the admission webhook, health and metrics.
package manager

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/go-logr/logr"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// Run parses the flags and runs the manager until the context ends and, if it serves the webhook, some seconds more. It
// returns flag.ErrHelp if --help is given. It waits for an API server that does not answer, and a leader that loses its lease
// starts again in the same container.
func Run(ctx context.Context, version string, args []string, env func(string) string, output io.Writer) error {
	s, err := parse(args, env, output)
	if err != nil {
		return err
	}
	s.version = version
	collect(env)
	logger := logr.FromSlogHandler(slog.NewJSONHandler(output, &slog.HandlerOptions{Level: s.logLevel}))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	starts := startsOf(env(startsVariable))
	if err := awaitAPIServer(ctx, cfg, s.health, starts.pause(), logger); err != nil || ctx.Err() != nil {
		return err
	}
	mgr, err := newManager(s.limited(cfg), s, ctx.Done())
	if err != nil {
		return err
	}
	running := ctx
	if s.webhook {
		running = lingering(ctx, drainFor)
	}
	switch err := mgr.Start(running); {
	case err == nil:
		return nil
	case lostLease(err) && ctx.Err() == nil:
		logger.Info("The lease could not be renewed: starting again as a standby", "deadline", s.renewDeadline.String(), "cause",
			"the API server did not answer in time, or another manager holds the lease")
		return startAgain(starts)
	default:
		return fmt.Errorf("running the manager: %w", err)
	}
}

// Scheme returns the types that the operator reads and writes.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering the built-in types: %w", err)
	}
	if err := todov1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering the types of the operator: %w", err)
	}
	return scheme, nil
}
