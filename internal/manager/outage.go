package manager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	// answerWithin bounds how long one request to an API server that may be away takes.
	answerWithin = 5 * time.Second
	// askAgain is the pause between two of these requests.
	askAgain = time.Second
	// remindEvery is how often the log says that the API server is still away.
	remindEvery = 30 * time.Second
	// settlesWithin is how long an API server that starts may not know its users and their rights yet.
	settlesWithin = time.Minute
)

// awaitAPIServer waits until the API server answers, and for the pause after leases that were lost. A manager that started without
// it would end with an error, and after a few of these ends the kubelet would start it minutes late. Meanwhile the health checks
// say that the manager lives and is not ready.
func awaitAPIServer(ctx context.Context, cfg *rest.Config, health string, pause time.Duration, logger logr.Logger) error {
	short := unlimited(cfg)
	short.Timeout = answerWithin
	client, err := discovery.NewDiscoveryClientForConfig(short)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	started, w := time.Now(), waiting{client: client}
	cause := w.cause()
	switch {
	case cause == nil && pause == 0:
		return nil
	case cause == nil:
		logger.Info("Leases were lost in a row: waiting before the next start", "pause", pause.String())
	default:
		logger.Info("The API server does not answer: waiting for it", "cause", cause.Error())
	}
	stop, err := serveWaiting(ctx, health)
	if err != nil {
		return err
	}
	defer stop()
	reminded := started
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(askAgain):
		}
		cause = w.cause()
		waited := time.Since(started).Round(time.Second).String()
		switch {
		case cause == nil && time.Since(started) >= pause:
			logger.Info("The API server answers", "after", waited)
			return nil
		case cause == nil:
		case time.Since(reminded) >= remindEvery:
			reminded = time.Now()
			logger.Info("The API server still does not answer", "for", waited, "cause", cause.Error())
		}
	}
}

// waiting is the search for an API server that answers.
type waiting struct {
	client  discovery.DiscoveryInterface
	refused time.Time // when the server first answered that it knows no such user or right
}

// cause asks for the kinds of the operator, which the manager needs first, and returns why to go on waiting. It returns nil for
// errors that do not end by themselves: the manager reports them.
func (w *waiting) cause() error {
	_, err := w.client.ServerResourcesForGroupVersion(todov1.GroupVersion.String())
	if err == nil {
		return nil
	}
	err = fmt.Errorf("asking for the kinds of the operator: %w", err)
	switch {
	case away(err):
		w.refused = time.Time{}
		return err
	case !unsettled(err):
		return nil
	case w.refused.IsZero():
		w.refused = time.Now()
	}
	if time.Since(w.refused) < settlesWithin {
		return err
	}
	return nil
}

// unsettled reports whether an error says that the API server does not know the user or its rights. A server that starts knows
// neither for some seconds.
func unsettled(err error) bool { return apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) }

// away reports whether an error says that no API server answered, or that it is still starting. Other errors, such as an unknown
// certificate authority, do not end by themselves.
func away(err error) bool {
	var broken *net.OpError // refused, reset or without a route
	var slow net.Error
	switch {
	case err == nil:
		return false
	case errors.As(err, &broken), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return true
	case errors.As(err, &slow) && slow.Timeout():
		return true
	default:
		return apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err) ||
			apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
	}
}

// serveWaiting serves the health checks of a manager that waits for the API server until it is stopped.
func serveWaiting(ctx context.Context, address string) (stop func(), err error) {
	if address == "" || address == "0" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serving the health checks: %w", err)
	}
	checks := http.NewServeMux()
	checks.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	checks.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the API server does not answer", http.StatusServiceUnavailable)
	})
	server := &http.Server{Handler: checks, ReadHeaderTimeout: answerWithin}
	go func() { _ = server.Serve(listener) }() // until it is closed
	return func() { _ = server.Close() }, nil
}

// leaseLost is the text of the error with which controller-runtime ends a leader that could not renew its lease.
const leaseLost = "leader election lost"

// lostLease reports whether a manager ended because it could not renew its lease.
func lostLease(err error) bool { return err != nil && strings.Contains(err.Error(), leaseLost) }

// startAgain replaces this process by a new one of the same program, arguments and environment, but for the count of starts. A
// leader that could not renew its lease must stop at once, including requests that are under way, and only the end of a process
// stops everything. Its container goes on, so the outage costs no restart, and the kubelet does not delay the next.
func startAgain(before starts) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the program to start again: %w", err)
	}
	if err := os.Setenv(startsVariable, before.next(time.Now()).String()); err != nil {
		return fmt.Errorf("counting the starts: %w", err)
	}
	err = syscall.Exec(program, os.Args, os.Environ()) //nolint:gosec // the same program with the same arguments
	return fmt.Errorf("starting %s again: %w", program, err)
}
