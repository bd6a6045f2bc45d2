// Command release builds the artefacts of a release into a folder, and pushes them to a registry. It needs neither Docker nor
// a registry to build them, and the same sources make the same bytes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

const usage = `Usage: release COMMAND [flags]

Commands:
  build   builds the artefacts of a version
  push    pushes the artefacts that build made, and prints each reference with its digest

Run "release COMMAND --help" for the flags of a command.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("no command given")
	}
	switch command, rest := args[0], args[1:]; command {
	case "build":
		r, err := parseBuild(rest)
		if err != nil {
			return err
		}
		return r.build(ctx)
	case "push":
		flags := flag.NewFlagSet("push", flag.ContinueOnError)
		folder := flags.String("dist", "dist", "folder with the artefacts")
		to := flags.String("registry", "", "registry to push to; by default the registry of the build")
		if err := flags.Parse(rest); err != nil {
			return err
		}
		return push(ctx, *folder, *to, os.Stdout)
	default:
		return fmt.Errorf("unknown command %q: must be build or push", command)
	}
}

// release describes the release to build.
type release struct {
	// root is the folder of the sources, and dist the folder for the artefacts.
	root, dist string
	// version has no leading v. registry is the prefix of the names of image and chart.
	version, registry string
	// source is the address of the repository, and revision the commit.
	source, revision string
	// platforms lists the platforms of kubectl-todoapp, separated by commas.
	platforms string
	// created replaces every time in the artefacts.
	created time.Time
}

// semantic matches a semantic version without build metadata, which an image tag cannot contain.
var semantic = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

func parseBuild(args []string) (release, error) {
	var r release
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	flags.StringVar(&r.root, "root", ".", "folder of the sources, with the built tools in bin")
	flags.StringVar(&r.dist, "dist", "dist", "folder for the artefacts; its content is replaced")
	flags.StringVar(&r.version, "version", "", "version, such as 0.3.0")
	flags.StringVar(&r.registry, "registry", "", "prefix of the names of image and chart, such as registry.example.com/todoapp")
	flags.StringVar(&r.source, "source", "https://github.com/todoapp-operator/todoapp-operator", "address of the repository")
	flags.StringVar(&r.revision, "revision", "", "commit of the sources")
	flags.StringVar(&r.platforms, "plugin-platforms", pluginPlatforms, "platforms of kubectl-todoapp")
	created := flags.String("created", "", "time of the commit in RFC 3339, which replaces every time in the artefacts")
	if err := flags.Parse(args); err != nil {
		return r, err
	}
	if !semantic.MatchString(r.version) {
		return r, fmt.Errorf("invalid version %q: must be a semantic version such as 0.3.0 (make release VERSION=0.3.0)", r.version)
	}
	if r.registry == "" {
		return r, errors.New("no registry given: name one, such as make release REGISTRY=registry.example.com/todoapp")
	}
	at, err := time.Parse(time.RFC3339, *created)
	if err != nil {
		return r, fmt.Errorf("reading the time of the commit: %w", err)
	}
	r.created = at.UTC()
	// Commands run in the folder of the sources and need paths that do not depend on it.
	for _, folder := range []*string{&r.root, &r.dist} {
		if *folder, err = filepath.Abs(*folder); err != nil {
			return r, fmt.Errorf("finding a folder: %w", err)
		}
	}
	return r, nil
}
