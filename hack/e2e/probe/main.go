// Command probe is the image of the end-to-end tests: an agent that acts for them inside the cluster, and, without
// arguments, a frontend that signs tokens as a TodoApp's frontend does.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/agent"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case os.Getenv("PROBE_CRASH") != "":
		return errors.New("crashing, as PROBE_CRASH asks")
	case len(args) == 1 && args[0] == "agent":
		return serve(agent.Port, agent.Handler())
	default:
		return fmt.Errorf("unknown arguments %q", args)
	}
}

// serve ends after SIGTERM, once requests under way have been answered.
func serve(port int, handler http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: ":" + strconv.Itoa(port), Handler: handler, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	if err := server.Shutdown(context.Background()); err != nil {
		return fmt.Errorf("ending: %w", err)
	}
	return nil
}
