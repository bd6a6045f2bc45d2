package plugin

import (
	"time"

	"github.com/spf13/pflag"
)

// waitFlags adds the flags of commands that can wait for the operator.
func waitFlags(flags *pflag.FlagSet, wait *bool, timeout *time.Duration) {
	flags.BoolVar(wait, "wait", false, "show each step, and end when it is complete or only old tokens have to expire")
	flags.DurationVar(timeout, "timeout", defaultTimeout, "how long --wait waits; the exit status is 3 if it is over")
}
