package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// defaultTimeout is how long --wait waits.
const defaultTimeout = 10 * time.Minute

// rotateFlags are the flags of rotate.
type rotateFlags struct {
	at, selector      string
	all, wait, dryRun bool
	timeout           time.Duration
}

// rotateCommand returns the command that replaces keys.
func rotateCommand(c *cluster) *cobra.Command {
	var f rotateFlags
	command := &cobra.Command{
		Use:   "rotate (NAME... | -l SELECTOR | --all)",
		Short: "Replace the key that signs; no user notices",
		Long: "Replace the key that signs, by setting spec.auth.rotation.rotateAfter to the API server's time. No user is signed " +
			"out and no request fails.",
		Example: "  kubectl todoapp rotate shop --wait\n  kubectl todoapp rotate --all --dry-run\n" +
			"  kubectl todoapp rotate -l team=web --at 2026-12-01T03:00:00Z",
		ValidArgsFunction: c.completeApps(-1),
	}
	flags := command.Flags()
	flags.StringVar(&f.at, "at", "", "start the rotation at this `time` (RFC 3339) instead of now")
	flags.StringVarP(&f.selector, "selector", "l", "", "rotate the TodoApps of the namespace that match these `labels`")
	flags.BoolVar(&f.all, "all", false, "rotate all TodoApps of the namespace")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would happen; the API server checks the change and does not store it")
	waitFlags(flags, &f.wait, &f.timeout)
	command.Args = func(_ *cobra.Command, args []string) error { return f.check(args) }
	command.RunE = c.connected(onApps("get", "list", "patch"), func(ctx context.Context, args []string) error {
		return c.rotate(ctx, args, f)
	})
	return command
}

// check verifies that exactly one way to choose apps is used.
func (f rotateFlags) check(names []string) error {
	ways := 0
	for _, used := range []bool{len(names) > 0, f.selector != "", f.all} {
		if used {
			ways++
		}
	}
	switch {
	case ways == 0:
		return usagef("name the TodoApps, or use -l SELECTOR or --all")
	case ways > 1:
		return usagef("use names, -l or --all, and only one of them")
	case f.dryRun && f.wait:
		return usagef("--dry-run changes nothing to wait for: leave out --wait")
	}
	return nil
}

// rotate asks for the rotation of each app, and waits if that is asked for.
func (c *cluster) rotate(ctx context.Context, names []string, f rotateFlags) error {
	now, err := c.serverTime(ctx)
	if err != nil {
		return err
	}
	at, err := momentOf("--at", f.at, now)
	if err != nil {
		return err
	}
	apps, err := c.apps(ctx, names, f.selector, f.all)
	if err != nil {
		return err
	}
	var waiters []*waiter
	for _, app := range apps {
		moment := at
		if f.at == "" {
			moment = rotationMoment(app, now)
		}
		if err := rotatable(app); err != nil {
			return err
		}
		c.printf("%s", announceRotation(app, moment, now, f.dryRun))
		if err := c.setRotation(ctx, app, map[string]any{"rotateAfter": clock(moment)}, f.dryRun); err != nil {
			return err
		}
		waiters = append(waiters, &waiter{name: app.Name, goal: goal{generation: app.Generation, rotated: moment}})
	}
	if !f.wait {
		return nil
	}
	return c.wait(ctx, waiters, f.timeout)
}

// momentOf reads a time of a flag, or returns the present time if the flag is not set.
func momentOf(flag, value string, now time.Time) (time.Time, error) {
	if value == "" {
		return now, nil
	}
	moment, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, usagef("invalid value %q for %s: must be a time in RFC 3339, such as %s", value, flag, clock(now))
	}
	return moment.Truncate(time.Second), nil
}

// rotationMoment returns the moment that replaces the active key. Moments have whole seconds, and this one must be later than the
// creation of the key.
func rotationMoment(app *todov1.TodoApp, now time.Time) time.Time {
	if active, ok := activeKey(app); ok && !created(active).Before(now) {
		return created(active).Add(time.Second)
	}
	return now
}

// rotatable returns an error if the operator does not generate the keys of an app.
func rotatable(app *todov1.TodoApp) error {
	source := app.Spec.Auth.Source
	if source == nil {
		return nil
	}
	return fmt.Errorf("TodoApp %s takes its keys from Secret %s: write a new value to entry %s of it, or to the store behind it",
		app.Name, source.SecretRef.Name, source.SecretRef.Key)
}

// announceRotation describes a rotation before it is asked for.
func announceRotation(app *todov1.TodoApp, moment, now time.Time, dryRun bool) string {
	verb, when := "is being replaced", ""
	if dryRun {
		verb = "would be replaced"
	}
	if moment.After(now.Add(time.Second)) {
		when = " at " + clock(moment) + ", " + until(moment, now)
		if !dryRun {
			verb = "will be replaced"
		}
	}
	active, ok := activeKey(app)
	if !ok {
		return fmt.Sprintf("%s: it has no key yet; the operator generates the first one by itself\n", app.Name)
	}
	text := fmt.Sprintf("%s: key %d (%s old) %s%s", app.Name, active.Version, age(active.CreatedAt, now), verb, when)
	if phase := app.Status.Rotation; phase != nil && phase.Phase != todov1.RotationStable {
		text += fmt.Sprintf("; the rotation before is still %s", phase.Phase)
	}
	if app.Spec.Frontend.Image != "" {
		text += "; the pods of the frontend restart one by one"
	}
	return indented(text, 0)
}

// setRotation patches fields of spec.auth.rotation. The API server checks a dry run and does not store it.
func (c *cluster) setRotation(ctx context.Context, app *todov1.TodoApp, fields map[string]any, dryRun bool) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"auth": map[string]any{"rotation": fields}}})
	if err != nil {
		return fmt.Errorf("encoding the change: %w", err)
	}
	options := []client.PatchOption{client.FieldOwner(fieldOwner)}
	if dryRun {
		options = append(options, client.DryRunAll)
	}
	c.warnings = nil
	if err := c.Patch(ctx, app, client.RawPatch(types.MergePatchType, patch), options...); err != nil {
		return fmt.Errorf("changing TodoApp %s: %w", app.Name, err)
	}
	for _, warning := range c.warnings {
		c.notef("warning: %s", warning)
	}
	return nil
}
