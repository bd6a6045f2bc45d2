//go:build !plugin

// Command todoapp-operator runs the manager of TodoApps, or the task API that the manager deploys from its own image.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/todoapp-operator/todoapp-operator/internal/manager"
	"github.com/todoapp-operator/todoapp-operator/internal/taskapi"
)

const usage = `Usage: todoapp-operator COMMAND [flags]

Commands:
  manager   runs the controller and the admission webhook (in the cluster)
  api       runs the task API, which verifies tokens with the shared secret
  check     verifies that the operator works in a cluster; leaves no object behind
  version   prints the version

Run "todoapp-operator COMMAND --help" for the flags of a command.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "todoapp-operator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	switch command, rest := args[0], args[1:]; command {
	case "manager":
		return manager.Run(ctx, described(), rest, os.Getenv, os.Stderr)
	case "api":
		return taskapi.Run(ctx, described(), rest, os.Getenv, os.Stdout, os.Stderr)
	case "check":
		return manager.Check(ctx, rest, os.Stdout)
	case "version", "--version":
		fmt.Println(described())
		return nil
	case "help", "--help", "-h":
		fmt.Print(usage)
		return nil
	default:
		return fmt.Errorf("unknown command %q: must be manager, api, check or version (run \"todoapp-operator --help\")", command)
	}
}
