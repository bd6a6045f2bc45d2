package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// followEvery is how often status -w and --wait read the app.
const followEvery = time.Second

// statusCommand returns the command that shows an app.
func statusCommand(c *cluster) *cobra.Command {
	var watch bool
	var output string
	command := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show the keys, the rotation and the pods of a TodoApp",
		Example: "  kubectl todoapp status shop\n  kubectl todoapp status shop -w        # follow a rotation\n" +
			"  kubectl todoapp status shop -o json",
		Long: "Show the keys, the rotation and the pods of a TodoApp. The name can be left out if the namespace has only one.\n" +
			"LAST USE is when a running pod of the embedded API last accepted a token of the key, since that pod started.",
		Args: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneName(command, args)
		},
		ValidArgsFunction: c.completeApps(1),
	}
	command.Flags().BoolVarP(&watch, "watch", "w", false, "show changes until interrupted")
	command.Flags().StringVarP(&output, "output", "o", "", "json or yaml")
	rights := append(onApps("get"), right{verb: "list", resource: "pods"})
	command.RunE = c.connected(rights, func(ctx context.Context, args []string) error {
		name, err := c.onlyName(ctx, args)
		switch {
		case err != nil:
			return err
		case output != "" && output != "json" && output != "yaml":
			return usagef("invalid value %q for --output: must be json or yaml", output)
		case watch && output != "":
			return usagef("--watch shows text only: leave out --output")
		case watch:
			return c.watchStatus(ctx, name)
		}
		seen, err := c.overview(ctx, name)
		if err != nil {
			return err
		}
		return c.show(seen, output)
	})
	return command
}

// oneName requires one argument, the name of a TodoApp.
func oneName(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("name one TodoApp; %d arguments are given", len(args))
	}
	return nil
}

// onlyName returns the name in the arguments or, if there is none, that of the only TodoApp of the namespace.
func (c *cluster) onlyName(ctx context.Context, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	apps, err := c.apps(ctx, nil, "", true)
	if err != nil {
		return "", err
	}
	if len(apps) == 1 {
		return apps[0].Name, nil
	}
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = app.Name
	}
	return "", usagef("name one TodoApp; namespace %s has %s", c.namespace, few(names))
}

// overview reads an app, its pods and the time.
func (c *cluster) overview(ctx context.Context, name string) (overview, error) {
	app, err := c.app(ctx, name)
	if err != nil {
		return overview{}, err
	}
	now, err := c.serverTime(ctx)
	if err != nil {
		return overview{}, err
	}
	pods, err := c.podStates(ctx, app)
	if err != nil {
		return overview{}, err
	}
	return newOverview(app, pods, now), nil
}

// show prints an overview in the form that is asked for.
func (c *cluster) show(seen overview, output string) error {
	if output == "" {
		c.printf("%s", seen.render(styleOf(c.Out)))
		return nil
	}
	text, err := encoded(seen, output)
	if err != nil {
		return err
	}
	c.printf("%s", text)
	return nil
}

// encoded returns a value in JSON or YAML.
func encoded(value any, output string) (string, error) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err == nil && output == "yaml" {
		text, err = yaml.JSONToYAML(text)
	}
	if err != nil {
		return "", fmt.Errorf("encoding the output: %w", err)
	}
	return strings.TrimRight(string(text), "\n") + "\n", nil
}

// watchStatus shows an app until the context ends. It draws the screen again and again. Without a terminal, it prints a line for
// each change.
func (c *cluster) watchStatus(ctx context.Context, name string) error {
	if !isTerminal(c.Out) {
		if _, err := c.app(ctx, name); err != nil { // once it was there, errors are waited out
			return err
		}
		return c.follow(ctx, name, func(progress) bool { return false })
	}
	shown := ""
	for {
		seen, err := c.overview(ctx, name)
		switch {
		case err == nil:
			shown = seen.render(styleOf(c.Out))
			c.printf("\x1b[H\x1b[2J%s\nCtrl-C ends.\n", shown)
		case shown == "":
			return err
		default: // the API server may restart
			c.printf("\x1b[H\x1b[2J%s\nerror: %s\nCtrl-C ends.\n", shown, err)
		}
		if !pause(ctx, followEvery) {
			return nil
		}
	}
}

// pause waits, and reports whether the context has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
