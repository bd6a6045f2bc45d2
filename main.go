// Command todoapp-operator is the manager of TodoApps, and the task API that the manager deploys from its own image.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/todoapp-operator/todoapp-operator/internal/taskapi"
	"github.com/todoapp-operator/todoapp-operator/internal/manager"
)

// version is set by the build; without it the module's own version counts.
var version string

const usage = `Usage: todoapp-operator COMMAND [flags]

Commands:
  manager   drives TodoApps and admits them (runs in the cluster)
  api       serves tasks to the bearers of tokens signed with a shared secret
  check     asks a cluster whether the operator is at work in it, and leaves nothing behind
  version   prints the version

todoapp-operator COMMAND --help lists the flags of a command.
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
		return manager.Run(ctx, rest, os.Getenv, os.Stderr)
	case "api":
		return taskapi.Run(ctx, rest, os.Getenv, os.Stdout, os.Stderr)
	case "check":
		return manager.Check(ctx, rest, os.Stdout)
	case "version", "--version":
		fmt.Println(described())
		return nil
	case "help", "--help", "-h":
		fmt.Print(usage)
		return nil
	default:
		return fmt.Errorf("there is no command %q; todoapp-operator --help lists them", command)
	}
}

func described() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}
