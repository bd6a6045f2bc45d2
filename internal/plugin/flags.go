package plugin

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// valuesGiven rejects a flag of a command that is given with an empty value. The value is usually a variable that the shell does
// not have, and without the flag a command may do more: revoke without --before revokes all keys.
func valuesGiven(command *cobra.Command, _ []string) error {
	var err error
	command.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		if err == nil && flag.Changed && flag.Value.String() == "" {
			err = usagef("--%s has no value: leave the flag out, or give it one", flag.Name)
		}
	})
	return err
}

// waitFlags adds the flags of commands that can wait for the operator.
func waitFlags(flags *pflag.FlagSet, wait *bool, timeout *time.Duration) {
	flags.BoolVar(wait, "wait", false, "show each step, and end when it is complete or only old tokens have to expire")
	durationFlag(flags, timeout, "timeout", defaultTimeout, "how long --wait waits; the exit status is 3 if it is over")
}

// durationFlag adds a flag with a duration, which may have days.
func durationFlag(flags *pflag.FlagSet, target *time.Duration, name string, standard time.Duration, usage string) {
	*target = standard
	flags.Var((*durationValue)(target), name, usage)
}

// durationValue is a flag's value such as 30d, 1d12h or 90s.
type durationValue time.Duration

// String implements pflag.Value.
func (d *durationValue) String() string { return time.Duration(*d).String() }

// Type implements pflag.Value.
func (*durationValue) Type() string { return "duration" }

// Set implements pflag.Value.
func (d *durationValue) Set(text string) error {
	parsed, err := parseDuration(text)
	*d = durationValue(parsed)
	return err
}

// day is a day without a change of clocks.
const day = 24 * time.Hour

// parseDuration parses a duration of Go that may begin with days.
func parseDuration(text string) (time.Duration, error) {
	invalid := errors.New("must be a duration, such as 30d, 12h or 90s")
	before, rest, found := strings.Cut(text, "d")
	if !found {
		before, rest = "0", text
	}
	days, err := strconv.ParseUint(before, 10, 16)
	if err != nil {
		return 0, invalid
	}
	if rest == "" && found {
		return time.Duration(days) * day, nil
	}
	parsed, err := time.ParseDuration(rest)
	if err != nil || parsed < 0 && found {
		return 0, invalid
	}
	return time.Duration(days)*day + parsed, nil
}
