//go:build plugin

// Command kubectl-todoapp is the kubectl plugin of the operator. It is built from this folder with the tag plugin, so that the image
// of the manager does not carry it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/todoapp-operator/todoapp-operator/internal/plugin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	status := plugin.Run(ctx, os.Args[0], described(), os.Args[1:], streams)
	stop()
	os.Exit(status)
}
