// Command bench compares the task API with the least a Go program can do: a bare net/http handler that runs the same
// single query, without authentication; and, if asked for, with the FastAPI backend that it replaces. All run as
// processes of their own on the same kind of database and take turns under the same load, so that other load on the machine
// hits each of them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// options are the values of the flags.
type options struct {
	binary      string
	database    string
	beside      string
	connections int
	rounds      int
	round       time.Duration
	idle        int
	// against is another build to compare writes with, deletes the number of tasks to delete in a turn, and syncDelay the
	// time by which each sync of the disk is delayed.
	against   string
	deletes   int
	syncDelay time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/todoapp-operator", "the built operator")
	flag.StringVar(&o.database, "database", "", "URL of an empty database (default: a new SQLite file, then a new PostgreSQL server)")
	flag.StringVar(&o.beside, "beside", "", "fastapi: measure examples/fastapi as well, with Debian's packages, "+
		"installed where they are missing")
	flag.IntVar(&o.connections, "connections", 32, "connections that ask at once")
	flag.IntVar(&o.rounds, "rounds", 9, "turns of each side")
	flag.DurationVar(&o.round, "round", 2*time.Second, "how long a turn takes")
	flag.IntVar(&o.idle, "idle", 3000, "connections that send nothing beside those that ask")
	flag.StringVar(&o.against, "against", "", "another build of the operator to compare the writes of SQLite with")
	flag.IntVar(&o.deletes, "deletes", 4000, "tasks to delete in each turn of deletes")
	flag.DurationVar(&o.syncDelay, "sync-delay", 0, "delay each sync of the disk in -only=writes by this time, with strace")
	only := flag.String("only", "", "tokens, idle or writes: measure the verification of tokens, requests beside idle "+
		"connections, or writes, alone")
	floor := flag.String("floor", "", "internal: serve the floor at this address")
	flag.Parse()
	run := benchBoth
	switch {
	case *floor != "":
		run = func(o options) error { return serveFloor(*floor, o.database) }
	case *only == "tokens":
		run = func(options) error { return reportTokens() }
	case *only == "idle":
		run = benchIdle
	case *only == "writes":
		run = benchWrites
	case *only != "":
		run = func(options) error {
			return fmt.Errorf("invalid value %q for -only: must be tokens, idle or writes", *only)
		}
	case o.database != "":
		run = bench
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// benchIdle measures requests beside idle connections, on a database of its own.
func benchIdle(o options) (err error) {
	folder, err := os.MkdirTemp("", "todoapp-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	return reportIdleConnections(o, folder)
}

// benchBoth runs the benchmark on a new SQLite file, then on a new PostgreSQL server.
func benchBoth(o options) (err error) {
	if err := errors.Join(reportTokens(), benchIdle(o)); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "todoapp-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	server, err := pgtest.Start(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	for _, store := range []struct{ name, url string }{
		{"SQLite", "sqlite://" + filepath.Join(folder, "tasks.db")}, {"PostgreSQL", server.URL("postgres")},
	} {
		fmt.Println(store.name)
		o.database = store.url
		if err := bench(o); err != nil {
			return fmt.Errorf("%s: %w", store.name, err)
		}
	}
	return nil
}

func bench(o options) (err error) {
	debug.SetGCPercent(1000) // the clients' own garbage must not show as the servers' latency
	starts := []func(options) (*process, error){startAPI, startFloor}
	if o.beside != "" {
		if o.beside != "fastapi" {
			return fmt.Errorf("-beside takes fastapi, not %q", o.beside)
		}
		if err := installFastAPI(); err != nil {
			return err
		}
		starts = append(starts, startFastAPI)
	}
	var sides []*process
	defer func() {
		for _, side := range sides {
			err = errors.Join(err, side.stop())
		}
	}()
	for _, start := range starts {
		if err := reportStart(o, start); err != nil {
			return err
		}
		side, err := start(o)
		if err != nil {
			return err
		}
		sides = append(sides, side)
		if err := reportIdle(side); err != nil {
			return err
		}
	}
	if err := reportSpeed(o, sides); err != nil {
		return err
	}
	return reportLargest(o, sides)
}

// reportSpeed lets the sides list and read the same fifty tasks.
func reportSpeed(o options, sides []*process) error {
	lists, reads := make([]target, len(sides)), make([]target, len(sides))
	for i, side := range sides {
		id, err := side.fill(50, "Something to do, in a sentence of common length.")
		if err != nil {
			return fmt.Errorf("creating tasks: %w", err)
		}
		lists[i] = side.request(side.tasks)
		reads[i] = side.request(fmt.Sprintf("%s/%d", side.tasks, id))
	}
	if err := compare(o, "list of 50", sides, lists); err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	if err := compare(o, "read one", sides, reads); err != nil {
		return fmt.Errorf("reading one: %w", err)
	}
	return reportPeak(sides, "at full load")
}

// reportStart measures the time of a side from its start to its first successful readiness.
func reportStart(o options, start func(options) (*process, error)) error {
	var took []float64
	name := ""
	for range o.rounds {
		begin := time.Now()
		side, err := start(o)
		if err != nil {
			return err
		}
		took = append(took, float64(time.Since(begin).Milliseconds()))
		name = side.name
		if err := side.stop(); err != nil {
			return err
		}
	}
	fmt.Printf("%s, ready after: median %.0f ms, slowest %.0f ms\n", name, median(took), slices.Max(took))
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
