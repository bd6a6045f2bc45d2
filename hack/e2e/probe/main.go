// Command probe is the image of the end-to-end tests. It is an agent that acts for them inside the cluster, a load
// generator, or, without arguments, a frontend that signs tokens like a TodoApp's frontend. With PROBE_IDLE it only answers
// requests, like a backend that is not used.
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
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/load"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/signer"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	atOnce := func() {}
	switch {
	case os.Getenv("PROBE_CRASH") != "":
		return errors.New("crashing, as PROBE_CRASH asks")
	case os.Getenv("PROBE_IDLE") != "":
		return serve(signer.Port, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), atOnce)
	case len(args) == 1 && args[0] == "agent":
		return serve(agent.Port, agent.Handler(), atOnce)
	case len(args) == 3 && args[0] == "load":
		generator := load.New(args[1], args[2])
		go generator.Run(context.Background())
		return serve(load.Port, generator, atOnce)
	case len(args) == 0:
		s, err := signer.FromEnvironment()
		if err != nil {
			return err
		}
		return serve(signer.Port, s.Handler(), s.Wait)
	default:
		return fmt.Errorf("unknown arguments %q", args)
	}
}

// serve serves until SIGTERM, then calls wait, answers the requests in flight, and returns.
func serve(port int, handler http.Handler, wait func()) error {
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
	wait()
	if err := server.Shutdown(context.Background()); err != nil {
		return fmt.Errorf("ending: %w", err)
	}
	return nil
}
