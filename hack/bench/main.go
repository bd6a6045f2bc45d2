// Command bench compares the task API with the least a Go program can do: a bare net/http handler that runs the same
// single query, without authentication. Both run as processes of their own on the same database and take turns under
// the same load, so that what else the machine does hits both.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// options are the values of the flags.
type options struct {
	binary      string
	database    string
	connections int
	rounds      int
	round       time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/todoapp-operator", "the built operator")
	flag.StringVar(&o.database, "database", "", "URL of an empty database (default: a new SQLite file, then a new PostgreSQL server)")
	flag.IntVar(&o.connections, "connections", 32, "connections that ask at once")
	flag.IntVar(&o.rounds, "rounds", 9, "turns of each side")
	flag.DurationVar(&o.round, "round", 2*time.Second, "how long a turn takes")
	floor := flag.String("floor", "", "internal: serve the floor at this address")
	flag.Parse()
	run := benchBoth
	switch {
	case *floor != "":
		run = func(o options) error { return serveFloor(*floor, o.database) }
	case o.database != "":
		run = bench
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// benchBoth brings its own databases.
func benchBoth(o options) (err error) {
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

func bench(o options) error {
	if err := reportStart(o); err != nil {
		return err
	}
	api, err := startAPI(o)
	if err != nil {
		return err
	}
	defer api.stop()
	time.Sleep(2 * time.Second) // idle is what is left when starting is over
	idle, err := api.resident("VmRSS")
	if err != nil {
		return err
	}
	fmt.Printf("resident memory, idle: %.1f MiB\n", idle)
	id, err := fill(api.address)
	if err != nil {
		return fmt.Errorf("creating tasks: %w", err)
	}
	floor, err := startFloor(o)
	if err != nil {
		return err
	}
	defer floor.stop()
	for _, c := range []struct{ name, path, floorPath string }{
		{"list of 50", "/api/" + owner + "/tasks", "/tasks"},
		{"read one", fmt.Sprintf("/api/%s/tasks/%d", owner, id), fmt.Sprintf("/tasks/%d", id)},
	} {
		if err := compare(o, c.name, side{api, c.path}, side{floor, c.floorPath}); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	peak, err := api.resident("VmHWM")
	if err != nil {
		return err
	}
	fmt.Printf("resident memory, peak under load: %.1f MiB\n", peak)
	return nil
}

// side is one of the two that take turns.
type side struct {
	*process
	path string
}

// measured is what a side did in its turns: requests per second, and microseconds of its own CPU for each.
type measured struct {
	rates, costs []float64
}

func (m *measured) turn(o options, s side) error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	latencies, err := load(request(s.address, s.path), o.connections, o.round, 0)
	if err != nil {
		return err
	}
	after, err := s.cpu()
	if err != nil {
		return err
	}
	m.rates = append(m.rates, float64(len(latencies))/o.round.Seconds())
	m.costs = append(m.costs, float64((after-before).Microseconds())/float64(len(latencies)))
	return nil
}

// compare lets both sides take turns under full load, then shows their latencies at half of it.
func compare(o options, name string, api, floor side) error {
	var ours, theirs measured
	for range o.rounds {
		if err := errors.Join(ours.turn(o, api), theirs.turn(o, floor)); err != nil {
			return err
		}
	}
	rate, least := median(ours.rates), median(theirs.rates)
	fmt.Printf("%s: API %.0f/s, floor %.0f/s, ratio of medians %.2f\n", name, rate, least, rate/least)
	fmt.Printf("%s: CPU for a request: API %.1f µs, floor %.1f µs\n", name, median(ours.costs), median(theirs.costs))
	// The floor's tail under the same load tells how much of the API's is the machine's.
	for _, one := range []struct {
		name string
		side side
	}{{"API", api}, {"floor", floor}} {
		latencies, err := load(request(one.side.address, one.side.path), o.connections, 3*o.round, rate/2)
		if err != nil {
			return err
		}
		slices.Sort(latencies)
		p50, p99 := latencies[len(latencies)/2], latencies[len(latencies)*99/100]
		fmt.Printf("%s, half load: %s p50 %v, p99 %v, ratio %.1f\n", name, one.name,
			p50.Round(time.Microsecond), p99.Round(time.Microsecond), float64(p99)/float64(p50))
	}
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// reportStart measures how long the API takes from its start to its first successful readiness.
func reportStart(o options) error {
	var took []float64
	for range o.rounds {
		begin := time.Now()
		api, err := startAPI(o)
		if err != nil {
			return err
		}
		took = append(took, float64(time.Since(begin).Milliseconds()))
		api.stop()
	}
	fmt.Printf("ready after: median %.0f ms, slowest %.0f ms\n", median(took), slices.Max(took))
	return nil
}
