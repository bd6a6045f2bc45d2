// Package plugin is kubectl todoapp: it shows the keys of TodoApps, rotates and revokes them, and finds faults.
package plugin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// These are the exit statuses, which scripts can tell apart.
const (
	// exitFailed: a request failed, or the answer is no: a refused token, a fault that doctor found.
	exitFailed = 1
	// exitUsage: the command line is wrong; nothing was sent.
	exitUsage = 2
	// exitWaiting: --wait ended before the operator had finished, which continues.
	exitWaiting = 3
)

// exitError is an error with an exit status of its own.
type exitError struct {
	status int
	error
}

// Unwrap returns the error without its status.
func (e exitError) Unwrap() error { return e.error }

// usagef returns an error about the command line.
func usagef(format string, args ...any) error {
	return exitError{exitUsage, fmt.Errorf(format, args...)}
}

// errSilent says that the command has printed everything.
var errSilent = errors.New("")

// completer is the name under which kubectl calls the plugin to complete its arguments.
const completer = "kubectl_complete-todoapp"

// Run runs the plugin under the name of its program and returns its exit status.
func Run(ctx context.Context, program, version string, args []string, streams genericiooptions.IOStreams) int {
	if strings.TrimSuffix(filepath.Base(program), ".exe") == completer {
		args = append([]string{cobra.ShellCompRequestCmd}, args...)
	}
	log.SetLogger(logr.Discard()) // the libraries would write to the standard error between the lines of a command
	klog.SetLogger(logr.Discard())
	root := rootCommand(version, streams)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	status, exit := exitFailed, exitError{}
	if errors.As(err, &exit) {
		status = exit.status
	}
	if text := err.Error(); text != "" {
		_, _ = fmt.Fprintln(streams.ErrOut, "error:", text)
	}
	if status == exitUsage {
		_, _ = fmt.Fprintf(streams.ErrOut, "Run \"%s --help\" for the usage.\n", shownPath(command))
	}
	return status
}

// shownPath returns the command line that leads to a command, as a user types it.
func shownPath(command *cobra.Command) string {
	return strings.Replace(command.CommandPath(), "kubectl-todoapp", "kubectl todoapp", 1)
}

// rootCommand returns the command tree.
func rootCommand(version string, streams genericiooptions.IOStreams) *cobra.Command {
	c := &cluster{flags: genericclioptions.NewConfigFlags(true), IOStreams: streams}
	root := &cobra.Command{
		Use:   "kubectl-todoapp",
		Short: "See, rotate, revoke and check the keys of TodoApps",
		Long: "See, rotate, revoke and check the keys of TodoApps.\n\nAll of it is possible with kubectl alone; " +
			"docs/kubectl-todoapp.md shows both.\n\nExit status: 0 done, 1 failed or refused, 2 wrong usage, " +
			"3 --wait ended and the operator goes on.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl todoapp"},
		SilenceErrors: true, SilenceUsage: true, Version: version,
		Args:              knownCommand,
		PersistentPreRunE: valuesGiven,
		RunE:              func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	c.flags.AddFlags(root.PersistentFlags())
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetIn(streams.In)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exitError{exitUsage, err} })
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(statusCommand(c), rotateCommand(c), revokeCommand(c), tokenCommand(c), verifyCommand(c),
		doctorCommand(c), adoptCommand(c), pauseCommand(c), resumeCommand(c),
		backupCommand(c), restoreCommand(c), reportCommand(c, version))
	hideConnectionFlags(root)
	c.completeFlags(root)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", width)))
	for _, command := range root.Commands() {
		command.Long = strings.Join(wrap(command.Long, width), "\n")
	}
	return root
}

// knownCommand rejects the name of a command that does not exist, and names similar ones.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if similar := root.SuggestionsFor(args[0]); len(similar) > 0 {
		return usagef("unknown command %q; did you mean %s?", args[0], strings.Join(similar, " or "))
	}
	var names []string
	for _, command := range root.Commands() {
		if command.IsAvailableCommand() {
			names = append(names, command.Name())
		}
	}
	return usagef("unknown command %q; the commands are %s", args[0], strings.Join(names, ", "))
}

// hideConnectionFlags hides the rarer flags about the connection from help pages. They work as they do with kubectl.
func hideConnectionFlags(root *cobra.Command) {
	shown := map[string]bool{"namespace": true, "context": true, "kubeconfig": true, "as": true, "as-group": true}
	root.PersistentFlags().VisitAll(func(flag *pflag.Flag) { flag.Hidden = !shown[flag.Name] })
}
