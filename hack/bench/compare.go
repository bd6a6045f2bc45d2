package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// measured holds the results of a side in its turns: requests per second, and microseconds of its own CPU for each request.
type measured struct {
	rates, costs []float64
}

func (m *measured) turn(o options, side *process, t target) error {
	before, err := side.cpu()
	if err != nil {
		return err
	}
	latencies, err := load(t, o.connections, o.round, 0)
	if err != nil {
		return err
	}
	after, err := side.cpu()
	if err != nil {
		return err
	}
	m.rates = append(m.rates, float64(len(latencies))/o.round.Seconds())
	m.costs = append(m.costs, (after-before)*1e6/float64(len(latencies)))
	return nil
}

// compare lets the sides take turns under full load, then at a half and a quarter of the API's rate. The second side is the
// floor.
func compare(o options, name string, sides []*process, targets []target) error {
	results := make([]measured, len(sides))
	for range o.rounds {
		for i, side := range sides {
			if err := results[i].turn(o, side, targets[i]); err != nil {
				return fmt.Errorf("%s: %w", side.name, err)
			}
		}
	}
	least := median(results[1].rates)
	for i, side := range sides {
		rate := median(results[i].rates)
		fmt.Printf("%s, %s: %.0f/s, to the floor %.2f, CPU for a request %.1f µs\n",
			name, side.name, rate, rate/least, median(results[i].costs))
	}
	for _, share := range []float64{1. / 2, 1. / 4} {
		if err := compareTails(o, name, sides, targets, results, share); err != nil {
			return err
		}
	}
	return nil
}

// tail holds the latencies of a side, and the load of the machine, with a value for each turn.
type tail struct {
	p50, p99, ratio, busy []float64
	// fewest is the number of requests in the turn that had the fewest.
	fewest int
}

// compareTails sends requests at a fixed rate, again by turns. The rate is a share of the API's rate, or of the side's own
// if that is lower. Each turn has its own ratio of p99 to p50 and the median turn counts, so that a disturbance spoils one
// turn and not the figure. The machine itself allows no better ratio than the floor's. If that misses a target, the API
// cannot be judged by it. The load of the machine explains why: the clients need its processors as well.
func compareTails(o options, name string, sides []*process, targets []target, full []measured, share float64) error {
	tails := make([]tail, len(sides))
	for range o.rounds {
		for i, side := range sides {
			rate := min(median(full[0].rates), median(full[i].rates)) * share
			if err := tails[i].turn(o, targets[i], rate); err != nil {
				return fmt.Errorf("%s: %w", side.name, err)
			}
		}
	}
	for i, side := range sides {
		t, at := tails[i], fmt.Sprintf("%s, %s at %.0f%% of the rate", name, side.name, 100*share)
		if t.fewest < 100 {
			fmt.Printf("%s: no p99 of %d requests in a turn\n", at, t.fewest)
			continue
		}
		fmt.Printf("%s: p50 %.0f µs, p99 %.0f µs, ratio %.1f (best turn %.1f), machine %.0f%% busy\n",
			at, median(t.p50), median(t.p99), median(t.ratio), slices.Min(t.ratio), 100*median(t.busy))
	}
	return nil
}

func (t *tail) turn(o options, to target, rate float64) error {
	before, err := idle()
	if err != nil {
		return err
	}
	latencies, err := load(to, o.connections, o.round, rate)
	if err != nil {
		return err
	}
	after, err := idle()
	if err != nil {
		return err
	}
	t.busy = append(t.busy, 1-(after-before)/o.round.Seconds()/float64(runtime.NumCPU()))
	t.add(latencies)
	return nil
}

func (t *tail) add(latencies []time.Duration) {
	if t.p50 == nil || len(latencies) < t.fewest {
		t.fewest = len(latencies)
	}
	if len(latencies) == 0 {
		return
	}
	slices.Sort(latencies)
	p50, p99 := latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	t.p50 = append(t.p50, float64(p50.Microseconds()))
	t.p99 = append(t.p99, float64(p99.Microseconds()))
	t.ratio = append(t.ratio, float64(p99)/float64(p50))
}
