// Command cluster runs a single-node Kubernetes cluster on this machine, without Docker, and builds images for it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

const usage = `usage: cluster [flags] command

  up                 start the cluster, or find it running
  down               stop it and remove all that it left, also after a crash
  status             say whether it is ready (exit status 1 when it is not)
  kubeconfig         print the administrator's kubeconfig
  load ARCHIVE...    make images available to pods
  image -binary FILE -tag NAME -out ARCHIVE
                     build an image of a static binary
  image -spec FILE -tag NAME -out ARCHIVE
                     build an image of programs, Debian packages and files
  supervise          run the cluster in the foreground

flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := dispatch(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context) error {
	bin := flag.String("bin", "bin", "folder of the pinned binaries")
	kubeconfig := flag.String("kubeconfig", "bin/cluster/kubeconfig", "where up leaves the kubeconfig, for down to remove")
	audit := flag.Bool("audit", false, "have the API server log every request")
	flag.Usage = func() {
		_, _ = fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		return errors.New("no command given")
	}
	path, err := filepath.Abs(*bin)
	if err != nil {
		return err
	}
	// The PATH of an ordinary user, and sometimes of sudo, lacks these.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	return newLayout(path).command(ctx, flag.Args(), *kubeconfig, *audit)
}

func (l layout) command(ctx context.Context, args []string, kubeconfig string, audit bool) error {
	if args[0] == "image" {
		return buildImage(ctx, args[1:])
	}
	if os.Geteuid() != 0 {
		return errors.New("the cluster runs on the machine itself and so needs root")
	}
	switch args[0] {
	case "up":
		return l.up(ctx, kubeconfig, audit)
	case "down":
		return l.down(ctx, kubeconfig)
	case "status":
		said, err := l.status()
		if err == nil {
			fmt.Println(said)
		}
		return err
	case "kubeconfig":
		content, err := os.ReadFile(l.admin())
		fmt.Print(string(content))
		return err
	case "load":
		return l.loadAll(ctx, args[1:])
	case "supervise":
		return l.own(ctx, audit)
	default:
		return fmt.Errorf("unknown command %q", args[0])
	}
}

// own takes the lock and supervises.
func (l layout) own(ctx context.Context, audit bool) error {
	held, err := openLock(l.Lock)
	if err != nil {
		return err
	}
	defer held.close() // keeps the garbage collector from closing the lock
	taken, err := held.take(alive)
	if err != nil {
		return err
	}
	if !taken {
		return errors.New("another supervisor is running")
	}
	if _, err := exec.LookPath(l.kubernetes("kubelet")); err != nil {
		return fmt.Errorf("finding binaries (hack/tools/build.sh makes them): %w", err)
	}
	return l.supervise(ctx, held, audit)
}

func (l layout) loadAll(ctx context.Context, archives []string) error {
	if _, err := l.status(); err != nil {
		return err
	}
	for _, archive := range archives {
		if err := l.load(ctx, archive); err != nil {
			return fmt.Errorf("loading %s: %w", archive, err)
		}
		fmt.Println("loaded", archive)
	}
	return nil
}

func buildImage(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("image", flag.ExitOnError)
	binary := flags.String("binary", "", "static binary, the image's entrypoint")
	path := flags.String("spec", "", "YAML that says what the image holds (README.md)")
	tag := flags.String("tag", "", "name of the image")
	out := flags.String("out", "", "archive to write")
	_ = flags.Parse(args) // exits on error
	if (*binary == "") == (*path == "") || *tag == "" || *out == "" {
		return errors.New("image needs -tag, -out, and either -binary or -spec")
	}
	spec := ofBinary(*binary)
	if *path != "" {
		var err error
		if spec, err = readSpec(*path); err != nil {
			return err
		}
	}
	return spec.write(ctx, *tag, *out)
}
