package plugin

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestDurationsMayHaveDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "1d12h": 36 * time.Hour, "0d": 0, "90s": 90 * time.Second, "1.5h": 90 * time.Minute, "-1h": -time.Hour, "0": 0,
	} {
		if got, err := parseDuration(text); got != want || err != nil {
			t.Errorf("%s is %s (%v), expected %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "30", "1.5d", "-1d", "1d-1h", "1h1d", "1d1d", "99999d", "soon"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is accepted as %s", text, got)
		}
	}
	flags, target := pflag.NewFlagSet("test", pflag.ContinueOnError), time.Duration(0)
	durationFlag(flags, &target, "for", time.Minute, "how long")
	if target != time.Minute || flags.Lookup("for").DefValue != "1m0s" {
		t.Errorf("the default is %s, shown as %s", target, flags.Lookup("for").DefValue)
	}
	if err := flags.Parse([]string{"--for=2d"}); err != nil || target != 2*day {
		t.Errorf("--for=2d sets %s (%v)", target, err)
	}
}
