package taskapi

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// attempt runs the command with arguments that must stop it before it serves.
func attempt(t *testing.T, env map[string]string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := Run(t.Context(), "v1.2.3", args, func(k string) string { return env[k] }, &out, io.Discard)
	return out.String(), err
}

func TestSettingsThatStopTheCommand(t *testing.T) {
	const postgres = "postgres://user:s3cret@127.0.0.1:1/db"
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		says string
	}{
		"no key": {nil, nil,
			"neither BETTER_AUTH_SECRETS nor BETTER_AUTH_SECRET is set (or name a directory with --auth-dir)"},
		"no directory": {nil, []string{"--auth-dir=/nowhere"},
			"directory /nowhere has neither a file BETTER_AUTH_SECRETS nor BETTER_AUTH_SECRET"},
		"bad list":        {map[string]string{"BETTER_AUTH_SECRETS": "1:s3cret,"}, nil, "entry 2"},
		"unknown flag":    {nil, []string{"--port=1"}, `--port (run "todoapp-operator api --help")`},
		"argument":        {nil, []string{"serve"}, `unexpected argument "serve"`},
		"bad duration":    {nil, []string{"--leeway=30"}, `"30"`},
		"bad variable":    {map[string]string{"TASKAPI_MAX_LIFETIME": "soon"}, nil, `TASKAPI_MAX_LIFETIME="soon"`},
		"no lifetime":     {nil, []string{"--max-lifetime=0s"}, "--max-lifetime must be more than 0"},
		"negative leeway": {nil, []string{"--leeway=-1s"}, "--leeway must not be negative"},
		"negative delay":  {nil, []string{"--shutdown-delay=-1s"}, "--shutdown-delay must not be negative"},
		"negative rate":   {nil, []string{"--rate-limit=-1"}, "--rate-limit"},
		"no rate":         {nil, []string{"--rate-limit=NaN"}, "--rate-limit"},
		"bad origin":      {nil, []string{"--cors-allowed-origins=https://a.example,b.example"}, `"b.example"`},
		"bad audit":       {nil, []string{"--audit=some"}, `invalid value "some" for --audit: must be refused, all or off`},
		"bad proxy":       {nil, []string{"--trusted-proxies=10.0.0.0/8,10.1.1.1"}, `"10.1.1.1"`},
		"bad level":       {nil, []string{"--log-level=loud"}, "loud"},
		"bad database": {map[string]string{"BETTER_AUTH_SECRET": "k"}, []string{"--database-url=mysql://u:s3cret@h/d"},
			"database URL must begin with"},
		"bad file": {map[string]string{"BETTER_AUTH_SECRET": "k"}, []string{"--database-url=sqlite:///nowhere/x.db"},
			"opening the store"},
		"bad address":          {map[string]string{"BETTER_AUTH_SECRET": "k"}, []string{"--listen=nowhere"}, "listening"},
		"bad collector":        {map[string]string{"BETTER_AUTH_SECRET": "k", "OTEL_EXPORTER_OTLP_ENDPOINT": "x"}, nil, "OTLP endpoint"},
		"backup of nothing":    {nil, []string{"backup"}, "name one destination"},
		"backup of PostgreSQL": {nil, []string{"backup", "--database-url=" + postgres, "x"}, "backing up"},
		"PostgreSQL to stdout": {nil, []string{"backup", "--database-url=" + postgres, "-"}, "backing up"},
		"backup, unknown flag": {nil, []string{"backup", "--listen=:1", "x"}, `--listen (run "todoapp-operator api backup --help")`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.env == nil {
				c.env = map[string]string{}
			}
			if c.env["TASKAPI_DATABASE_URL"] == "" {
				c.env["TASKAPI_DATABASE_URL"] = "sqlite://" + t.TempDir() + "/tasks.db"
			}
			c.env["TASKAPI_LISTEN"], c.env["TASKAPI_OPS_LISTEN"] = "127.0.0.1:0", "127.0.0.1:0"
			_, err := attempt(t, c.env, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want an error that says %q", err, c.says)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestHelpDescribesEveryFlagAndItsVariable(t *testing.T) {
	const flags = "listen ops-listen pprof-listen auth-dir database-url issuer audience max-lifetime leeway " +
		"cors-allowed-origins rate-limit shutdown-delay log-level audit trusted-proxies"
	for command, names := range map[string]string{
		"":       flags,
		"backup": "database-url",
	} {
		args := append(strings.Fields(command), "--help")
		help, err := attempt(t, map[string]string{"TASKAPI_DATABASE_URL": "postgres://user:s3cret@h/db"}, args...)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(help, "s3cret") || !strings.Contains(help, "default "+defaultDatabaseURL) {
			t.Errorf("the help shows %s", help)
		}
		for name := range strings.FieldsSeq(names) {
			if !strings.Contains(help, "--"+name+" ") || !strings.Contains(help, variable(name)+"\n") {
				t.Errorf("--%s or %s is missing in %s", name, variable(name), help)
			}
		}
		if got := strings.Count(help, "TASKAPI_"); got != len(strings.Fields(names)) {
			t.Errorf("%d flags are described: %s", got, help)
		}
		for name := range strings.FieldsSeq("BETTER_AUTH_SECRETS BETTER_AUTH_SECRET OTEL_EXPORTER_OTLP_ENDPOINT " +
			"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_TIMEOUT OTEL_TRACES_SAMPLER " +
			"OTEL_RESOURCE_ATTRIBUTES GOMEMLIMIT") {
			if strings.Contains(help, name) != (command == "") {
				t.Errorf("%q: is %s mentioned? %s", command, name, help)
			}
		}
	}
}

func TestArgumentsWinOverTheEnvironment(t *testing.T) {
	env := map[string]string{
		"TASKAPI_LISTEN": ":1", "TASKAPI_ISSUER": "from-env", "TASKAPI_AUDIENCE": "", "TASKAPI_LEEWAY": "5s",
		"TASKAPI_CORS_ALLOWED_ORIGINS": "https://a.example, https://b.example", "TASKAPI_LOG_LEVEL": "debug",
	}
	var s settings
	parsed := command{flags: (*settings).define, run: func(read settings, _ []string) error { s = read; return nil }}
	if err := parsed.parse([]string{"--listen=:2", "--audience", "given"}, func(k string) string { return env[k] },
		io.Discard); err != nil {
		t.Fatal(err)
	}
	if s.listen != ":2" || s.issuer != "from-env" || s.audience != "given" || s.leeway.Seconds() != 5 || len(s.origins) != 2 ||
		s.logLevel != -4 || s.maxLifetime.Hours() != 168 || s.opsListen != ":9090" {
		t.Errorf("got %+v", s)
	}
}

// TestTheDocsAreTheHelp: the table of docs/task-api.md has every flag with its variable and its default, and no other.
func TestTheDocsAreTheHelp(t *testing.T) {
	page, err := os.ReadFile("../../docs/task-api.md")
	if err != nil {
		t.Fatal(err)
	}
	var s settings
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	s.define(flags)
	rows := 0
	flags.VisitAll(func(f *flag.Flag) {
		usual := " "
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" {
			usual = " `" + f.DefValue + "` "
		}
		row := "| `--" + f.Name + "` | `" + variable(f.Name) + "` |" + usual + "|"
		if rows++; !strings.Contains(string(page), row) {
			t.Errorf("docs/task-api.md lacks %s", row)
		}
	})
	if got := strings.Count(string(page), "\n| `--"); got != rows {
		t.Errorf("docs/task-api.md has %d flags, --help has %d", got, rows)
	}
	for _, reason := range authn.Reasons() {
		if !strings.Contains(string(page), "`"+string(reason)+"`") {
			t.Errorf("docs/task-api.md does not explain the reason %s", reason)
		}
	}
}
