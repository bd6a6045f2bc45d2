package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	if apps, err = c.rotatable(apps, len(names) > 0); err != nil {
		return err
	}
	var waiters []*waiter
	var failed error
	for _, app := range apps {
		moment := at
		if f.at == "" {
			moment = rotationMoment(app, now)
		}
		if active, ok := activeKey(app); ok && !created(active).Before(moment) {
			c.printf("%s", youngerKey(app, active, moment))
			continue
		}
		c.printf("%s", announceRotation(app, moment, now, f.dryRun))
		if err := c.setRotation(ctx, app, map[string]any{"rotateAfter": clock(moment)}, f.dryRun); err != nil {
			failed = errors.Join(failed, err) // the others must not depend on this one
			continue
		}
		waiters = append(waiters, &waiter{name: app.Name, goal: goal{generation: app.Generation, rotated: moment}})
	}
	if f.wait && len(waiters) > 0 {
		failed = errors.Join(failed, c.wait(ctx, waiters, f.timeout))
	}
	return failed
}

// youngerKey says that a rotation would change nothing, because the key was created after its moment.
func youngerKey(app *todov1.TodoApp, active todov1.KeyStatus, moment time.Time) string {
	return indented(fmt.Sprintf("%s: key %d was created at %s, and not before %s: nothing to replace.",
		app.Name, active.Version, clock(created(active)), clock(moment)), 0)
}

// rotatable returns the apps whose keys the operator generates, each once. An app with a source is an error if the user named it,
// before anything is changed. If it was selected, it is left out with a note.
func (c *cluster) rotatable(apps []*todov1.TodoApp, named bool) ([]*todov1.TodoApp, error) {
	var rotated []*todov1.TodoApp
	var problems []error
	for _, app := range apps {
		twice := slices.ContainsFunc(rotated, func(other *todov1.TodoApp) bool { return other.Name == app.Name })
		if err := sourced(app); err != nil {
			problems = append(problems, err)
		} else if !twice {
			rotated = append(rotated, app)
		}
	}
	if len(problems) > 0 && (named || len(rotated) == 0) {
		return nil, errors.Join(problems...)
	}
	for _, problem := range problems {
		c.notef("left out: %s", problem)
	}
	return rotated, nil
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

// sourced returns an error if the operator does not generate the keys of an app.
func sourced(app *todov1.TodoApp) error {
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
	if app.Paused() {
		text += "; the app is paused, so this begins after \"" + resumption(app) + "\""
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
