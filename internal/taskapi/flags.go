package taskapi

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/origin"
	"github.com/todoapp-operator/todoapp-operator/internal/task/httpapi"
)

// settings are the values of the flags.
type settings struct {
	listen, opsListen string
	pprofListen       string
	authDir           string
	databaseURL       string
	issuer, audience  string
	maxLifetime       time.Duration
	leeway            time.Duration
	origins           []string
	rateLimit         float64
	shutdownDelay     time.Duration
	logLevel          slog.Level
	audit             audit
	proxies           httpapi.Proxies
}

const defaultDatabaseURL = "sqlite:///data/tasks.db"

func (s *settings) define(flags *flag.FlagSet) {
	flags.StringVar(&s.listen, "listen", ":8000", "`address` of the API")
	flags.StringVar(&s.opsListen, "ops-listen", ":9090", "`address` of the operations port: metrics, keyring, health")
	flags.StringVar(&s.pprofListen, "pprof-listen", "", "`address` of profiles under /debug/pprof; a port alone, such as :6060, "+
		"is served on the loopback address (default none)")
	flags.StringVar(&s.authDir, "auth-dir", "", "`directory` with the files BETTER_AUTH_SECRETS or BETTER_AUTH_SECRET, "+
		"followed without a restart; without it the environment variables of those names count")
	s.defineDatabase(flags)
	flags.StringVar(&s.issuer, "issuer", "", "iss that a token must have; empty: not checked")
	flags.StringVar(&s.audience, "audience", "", "aud that a token must have; empty: not checked")
	flags.DurationVar(&s.maxLifetime, "max-lifetime", 168*time.Hour, "how far in the future the exp of a token may be")
	flags.DurationVar(&s.leeway, "leeway", 30*time.Second, "tolerated difference between clocks")
	flags.Func("cors-allowed-origins", "comma-separated `origins` that browsers may call from, such as "+
		"https://todo.example.com; * for all, without credentials (default none)", s.addOrigins)
	flags.Float64Var(&s.rateLimit, "rate-limit", 0, "requests per `second` that one subject may send; 0: no limit")
	flags.DurationVar(&s.shutdownDelay, "shutdown-delay", 0, "how long to go on serving, not ready, after SIGTERM")
	flags.TextVar(&s.logLevel, "log-level", slog.LevelInfo, "`level` of the log, without effect on the audit log: debug, info, "+
		"warn or error")
	flags.TextVar(&s.audit, "audit", auditRefused, "`decisions` on tokens to record beside the log: refused, all or off")
	flags.Func("trusted-proxies", "comma-separated `networks`, such as 10.0.0.0/8, of the proxies whose X-Forwarded-For is "+
		"trusted (default none)", s.addProxies)
}

func (s *settings) defineDatabase(flags *flag.FlagSet) {
	flags.StringVar(&s.databaseURL, "database-url", defaultDatabaseURL, "`URL` of the store: sqlite:///path or postgres://…")
}

func (s *settings) addOrigins(list string) error {
	s.origins = nil
	for allowed := range strings.SplitSeq(list, ",") {
		allowed = strings.TrimSpace(allowed)
		if err := origin.Check(allowed); err != nil {
			return err
		}
		s.origins = append(s.origins, allowed)
	}
	return nil
}

// audit says which decisions on tokens are recorded.
type audit string

const (
	auditRefused audit = "refused"
	auditAll     audit = "all"
	auditOff     audit = "off"
)

// UnmarshalText implements encoding.TextUnmarshaler for the flag.
func (a *audit) UnmarshalText(text []byte) error {
	switch given := audit(text); given {
	case auditRefused, auditAll, auditOff:
		*a = given
		return nil
	}
	return errors.New("must be refused, all or off")
}

// MarshalText implements encoding.TextMarshaler for the flag.
func (a audit) MarshalText() ([]byte, error) { return []byte(a), nil }

func (s *settings) addProxies(list string) error {
	s.proxies = nil
	for network := range strings.SplitSeq(list, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(network))
		if err != nil {
			return fmt.Errorf("network %q must be of the form 10.0.0.0/8", network)
		}
		s.proxies = append(s.proxies, prefix)
	}
	return nil
}

// check returns an error for a value that the type of its flag admits but that has no meaning.
func (s *settings) check() error {
	switch {
	case s.maxLifetime <= 0:
		return errors.New("--max-lifetime must be more than 0, such as 168h")
	case s.leeway < 0:
		return errors.New("--leeway must not be negative")
	case s.shutdownDelay < 0:
		return errors.New("--shutdown-delay must not be negative")
	case !(s.rateLimit >= 0 && s.rateLimit <= 1e6):
		return errors.New("--rate-limit must be from 0 (no limit) to 1000000")
	}
	return nil
}

// command is a command that reads its settings from flags and the environment.
type command struct {
	usage string
	flags func(*settings, *flag.FlagSet)
	// run gets the settings and the arguments that are not flags.
	run func(s settings, rest []string) error
}

// parse reads the environment, then the arguments, which take precedence, and runs the command. For --help it describes it.
func (c command) parse(args []string, env func(string) string, help io.Writer) error {
	var s settings
	flags := flag.NewFlagSet(c.usage, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	c.flags(&s, flags)
	if err := setFromEnv(flags, env); err != nil {
		return err
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		describe(flags, help)
		return nil
	case err != nil:
		name, _, _ := strings.Cut(c.usage, " [")
		return fmt.Errorf("%s (run \"%s --help\")", withDashes(err), name)
	}
	return c.run(s, flags.Args())
}

// withDashes returns the message of an error with flags as the help shows them, with two dashes.
func withDashes(err error) string {
	return strings.NewReplacer(" for flag -", " for --", " flag -", " --", ": -", ": --").Replace(err.Error())
}

func setFromEnv(flags *flag.FlagSet, env func(string) string) (err error) {
	flags.VisitAll(func(f *flag.Flag) {
		value := env(variable(f.Name))
		if value == "" || err != nil {
			return
		}
		if setErr := flags.Set(f.Name, value); setErr != nil {
			err = fmt.Errorf("environment variable %s=%q: %w", variable(f.Name), value, setErr)
		}
	})
	return err
}

func variable(name string) string {
	return "TASKAPI_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func describe(flags *flag.FlagSet, to io.Writer) {
	_, _ = fmt.Fprintf(to, "Usage: %s\n\nFlags, and the environment variables that set them if the flag is not given:\n\n",
		flags.Name())
	flags.VisitAll(func(f *flag.Flag) {
		kind, usage := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" {
			usage += " (default " + f.DefValue + ")"
		}
		_, _ = fmt.Fprintf(to, "  --%s %s\n  %s\n      %s\n", f.Name, kind, variable(f.Name), usage)
	})
	if flags.Lookup("listen") != nil {
		_, _ = io.WriteString(to, otherVariables)
	}
}

// otherVariables describes variables whose names other projects define.
const otherVariables = `
Other environment variables:

  BETTER_AUTH_SECRETS, BETTER_AUTH_SECRET
      the verification keys, such as 2:new,1:old, or one of them; see --auth-dir
  OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
      http or https URL of a collector of traces; without one there are none
  OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TIMEOUT
      name=value,... to send with them, and how many milliseconds the collector has (default 10000)
  OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
      as in OpenTelemetry's specification
  GOGC, GOMEMLIMIT
      as in Go's documentation; they take precedence over the API's own values
`
