package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// revokeFlags are the flags of revoke.
type revokeFlags struct {
	before                  string
	key                     int64
	keep, yes, wait, dryRun bool
	timeout                 time.Duration
}

// revokeCommand returns the command that revokes keys.
func revokeCommand(c *cluster) *cobra.Command {
	var f revokeFlags
	command := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Stop trusting keys after a leak; users are signed out",
		Long: "Stop trusting keys at once, by setting spec.auth.rotation.revokeBefore. Tokens and sessions made with these keys fail. " +
			"The command shows which keys go and who is signed out, and asks before it changes anything.",
		Example: "  kubectl todoapp revoke shop\n  kubectl todoapp revoke shop --key 2 --yes --wait\n" +
			"  kubectl todoapp revoke shop --before 2026-11-20T00:00:00Z --dry-run",
		Args: oneName, ValidArgsFunction: c.completeApps(1),
	}
	flags := command.Flags()
	flags.StringVar(&f.before, "before", "", "revoke the keys that were created before this `time` (RFC 3339); default now: all keys")
	flags.Int64Var(&f.key, "key", 0, "revoke the key of this `version` and all older ones")
	flags.BoolVar(&f.keep, "keep-for-decryption", false, "let the frontend keep revoked keys to decrypt stored data")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would happen; the API server checks the change and does not store it")
	waitFlags(flags, &f.wait, &f.timeout)
	command.RunE = c.connected(onApps("get", "patch"), func(ctx context.Context, args []string) error {
		switch {
		case f.before != "" && flags.Changed("key"):
			return usagef("use --before or --key, not both")
		case flags.Changed("key") && f.key < 1:
			return usagef("invalid value %d for --key: must be the version of a key, such as 2", f.key)
		}
		return c.revoke(ctx, args[0], f)
	})
	return command
}

// revoke shows what a revocation does, asks, and carries it out.
func (c *cluster) revoke(ctx context.Context, name string, f revokeFlags) error {
	now, err := c.serverTime(ctx)
	if err != nil {
		return err
	}
	app, err := c.app(ctx, name)
	if err != nil {
		return err
	}
	moment, err := f.moment(app, now)
	if err != nil {
		return err
	}
	r := revocationOf(app, moment)
	c.printf("%s", r.describe(app, now, f.keep))
	if len(r.revoked) == 0 {
		return nil
	}
	if err := c.confirmed(name, f.yes || f.dryRun); err != nil {
		return err
	}
	fields := map[string]any{"revokeBefore": clock(moment)}
	if f.keep {
		fields["revokedKeys"] = string(todov1.RevokedKeysKeepForDecryption)
	}
	if err := c.setRotation(ctx, app, fields, f.dryRun); err != nil || f.dryRun {
		return err
	}
	if !f.wait {
		c.printf("Asked for. Follow it with: kubectl todoapp status %s -n %s -w\n", name, c.namespace)
		return nil
	}
	c.printf("Asked for. Waiting until no pod trusts the revoked keys.\n")
	return c.wait(ctx, []*waiter{{name: name, goal: goal{generation: app.Generation, revoked: moment}}}, f.timeout)
}

// moment returns the time before which keys are revoked.
func (f revokeFlags) moment(app *todov1.TodoApp, now time.Time) (time.Time, error) {
	switch {
	case f.key != 0:
		return momentAfterKey(app, f.key)
	case f.before == "":
		return rotationMoment(app, now), nil
	default:
		return momentOf("--before", f.before, now)
	}
}

// confirmed asks the user to type the name of the app, unless that is given. The question names the namespace and the context,
// because the same name may be in several clusters.
func (c *cluster) confirmed(name string, given bool) error {
	if given {
		return nil
	}
	c.printf("%s", indented(fmt.Sprintf("This is namespace %s of %s.", c.namespace, c.clusterName()), 0))
	c.printf("Type the name of the TodoApp to go on: ")
	answer, err := bufio.NewReader(c.In).ReadString('\n')
	if strings.TrimSpace(answer) == name {
		return nil
	}
	if err != nil {
		c.printf("\n")
		return errors.New("nothing was changed: there is no answer; use --yes in scripts")
	}
	return errors.New("nothing was changed: the answer is not the name of the TodoApp")
}

// revocation is the effect of a moment on the keys of an app.
type revocation struct {
	moment        time.Time
	revoked, kept []todov1.KeyStatus
}

// revocationOf returns which keys a moment revokes.
func revocationOf(app *todov1.TodoApp, moment time.Time) revocation {
	r := revocation{moment: moment}
	for _, k := range app.Status.Keys {
		switch {
		case k.State == todov1.KeyRevoked:
		case created(k).Before(moment):
			r.revoked = append(r.revoked, k)
		default:
			r.kept = append(r.kept, k)
		}
	}
	return r
}

// momentAfterKey returns the earliest moment that revokes the key of a version. The status has whole seconds, so a key that was
// created within the same second goes, too.
func momentAfterKey(app *todov1.TodoApp, version int64) (time.Time, error) {
	var versions []int64
	for _, k := range app.Status.Keys {
		if k.Version == version && k.State == todov1.KeyRevoked {
			return time.Time{}, fmt.Errorf("key %d of TodoApp %s was revoked before", version, app.Name)
		}
		if k.Version == version {
			return created(k).Add(time.Second), nil
		}
		versions = append(versions, k.Version)
	}
	return time.Time{}, fmt.Errorf("TodoApp %s has no key %d; it has %s", app.Name, version, keysText(versions))
}

// describe says which keys go, and who is signed out.
func (r revocation) describe(app *todov1.TodoApp, now time.Time, keep bool) string {
	if len(r.revoked) == 0 {
		return indented(fmt.Sprintf("No key of TodoApp %s was created before %s: nothing to revoke.", app.Name, clock(r.moment)), 0)
	}
	rows := [][]string{{"KEY", "STATE", "AGE", "AFTER THE REVOCATION"}}
	for _, k := range slices.Concat(r.kept, r.revoked) {
		after := "revoked"
		if !slices.Contains(r.revoked, k) {
			after = "stays"
		}
		rows = append(rows, []string{fmt.Sprint(k.Version), string(k.State), age(k.CreatedAt, now), after})
	}
	text := table(rows) + indented(r.signedOut(app), 0)
	if r.moment.After(now.Add(time.Second)) {
		text += indented(fmt.Sprintf("It begins at %s, %s.", clock(r.moment), until(r.moment, now)), 0)
	}
	if !keep && app.Spec.Auth.Rotation.RevokedKeys != todov1.RevokedKeysKeepForDecryption {
		text += indented("Data that the frontend stored encrypted under revoked keys becomes unreadable, such as OAuth tokens and "+
			"TOTP seeds. To keep it readable, add --keep-for-decryption.", 0)
	}
	return text
}

// signedOut says whose tokens and sessions end.
func (r revocation) signedOut(app *todov1.TodoApp) string {
	active, ok := activeKey(app)
	versions := func(keys []todov1.KeyStatus) (all []int64) {
		for _, k := range keys {
			all = append(all, k.Version)
		}
		return all
	}
	if ok && slices.Contains(versions(r.revoked), active.Version) {
		return fmt.Sprintf("All users of TodoApp %s are signed out: key %d, which signs now, is revoked, and a new key takes its place.",
			app.Name, active.Version)
	}
	return fmt.Sprintf("Users are signed out if their token or session was made with %s. Those of %s stay signed in.",
		keysText(versions(r.revoked)), keysText(versions(r.kept)))
}
