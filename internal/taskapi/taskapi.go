// Package taskapi runs the api command. It reads the settings, opens the store and the keys, and serves the task API
// until the context ends.
package taskapi

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
	"github.com/todoapp-operator/todoapp-operator/internal/task/httpapi"
	"github.com/todoapp-operator/todoapp-operator/internal/task/keysource"
	"github.com/todoapp-operator/todoapp-operator/internal/task/metrics"
)

// Run runs the api command with the arguments after its name. It serves until the context ends (on SIGTERM), finishes the
// requests under way and returns. Errors say what to do and hold no secret.
func Run(ctx context.Context, version string, args []string, env func(string) string, stdout, stderr io.Writer) error {
	keepFilesPrivate()
	if len(args) > 0 && args[0] == "backup" {
		return command{
			usage: "todoapp-operator api backup [flags] DESTINATION", flags: (*settings).defineDatabase,
			run: func(s settings, rest []string) error { return backup(ctx, s, rest, stdout) },
		}.parse(args[1:], env, stdout)
	}
	if len(args) > 0 && args[0] == "restore" {
		return command{
			usage: "todoapp-operator api restore [flags] SOURCE", flags: (*settings).defineDatabase,
			run: func(s settings, rest []string) error { return restore(ctx, s, rest, os.Stdin, stdout) },
		}.parse(args[1:], env, stdout)
	}
	return command{
		usage: "todoapp-operator api [flags] | api backup DESTINATION | api restore SOURCE", flags: (*settings).define,
		run: func(s settings, rest []string) error { return api(ctx, version, s, rest, env, stderr) },
	}.parse(args, env, stdout)
}

func api(ctx context.Context, version string, s settings, rest []string, env func(string) string, stderr io.Writer) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q: the api command takes flags only, see --help", rest[0])
	}
	if err := s.check(); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: s.logLevel}))
	var audit *slog.Logger
	if s.audit != auditOff {
		audit = slog.New(slog.NewJSONHandler(stderr, nil)) // independent of the level of the log
	}
	return serve(ctx, version, s, env, log, audit)
}

// openKeys returns a function for the keys trusted at each request, and a function that keeps them up to date.
func openKeys(s settings, env func(string) string, m *metrics.Metrics, log *slog.Logger) (
	keys func() *authn.Keys, watch func(context.Context), err error,
) {
	if s.authDir == "" {
		fixed, err := keysource.FromEnv(env)
		if err != nil {
			return nil, nil, fmt.Errorf("no verification key: %w (or name a directory with --auth-dir)", err)
		}
		m.Loaded(len(fixed.Versions()))
		return func() *authn.Keys { return fixed }, func(context.Context) {}, nil
	}
	dir, err := keysource.OpenDir(s.authDir, func(now *authn.Keys, err error) {
		m.Reloaded(err)
		m.Loaded(len(now.Versions()))
		if err != nil {
			log.Error("keeping the last good keys", "error", err.Error(), "versions", now.Versions())
			return
		}
		log.Info("keys reloaded", "versions", now.Versions())
		warnOfShort(now, log)
	}, func(err error) {
		log.Warn("file notifications are unavailable: polling keys every 5s", "error", err.Error())
	})
	if err != nil {
		return nil, nil, fmt.Errorf("no verification key: %w", err)
	}
	m.Loaded(len(dir.Keys().Versions()))
	return dir.Keys, dir.Watch, nil
}

// warnOfShort logs the versions of keys that can be guessed more easily than a signature can be forged.
func warnOfShort(keys *authn.Keys, log *slog.Logger) {
	if short := keys.Short(); len(short) > 0 {
		log.Warn("a secret has fewer than 32 characters: whoever guesses it can sign tokens; make one with openssl rand -base64 32",
			"versions", short)
	}
}

func policyOf(s settings) authn.Policy {
	return authn.Policy{Issuer: s.issuer, Audience: s.audience, MaxLifetime: s.maxLifetime, Leeway: s.leeway}
}

var _ httpapi.Observer = (*metrics.Metrics)(nil)
