package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// reportIdle waits until a side has settled after its start, then shows its size.
func reportIdle(side *process) error {
	const settled = 20 // reads without a change
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last, same := 0.0, 0
	for deadline := time.Now().Add(10 * time.Second); same < settled && time.Now().Before(deadline); <-tick.C {
		now, _, err := side.resident()
		if err != nil {
			return err
		}
		same++
		if now != last {
			last, same = now, 0
		}
	}
	fmt.Printf("%s, resident memory, idle: %.1f MiB\n", side.name, last)
	return nil
}

func reportPeak(sides []*process, when string) error {
	for _, side := range sides {
		_, peak, err := side.resident()
		if err != nil {
			return err
		}
		fmt.Printf("%s, resident memory, peak %s: %.1f MiB\n", side.name, when, peak)
	}
	return nil
}

// reportLargest requests the largest possible page, 100 tasks of 8 kB, many times at once.
func reportLargest(o options, sides []*process) error {
	const most = 100
	clients := o.connections / 2
	for _, side := range sides {
		if _, err := side.fill(most, strings.Repeat("\U0001F600", 2000)); err != nil {
			return fmt.Errorf("creating large tasks: %w", err)
		}
		path := side.tasks + fmt.Sprintf("?limit=%d", most)
		latencies, err := load(side.request(path), clients, 3*o.round, 0)
		if err == nil && len(latencies) == 0 {
			err = errors.New("nothing was answered")
		}
		if err != nil {
			return fmt.Errorf("largest lists, %s: %w", side.name, err)
		}
		fmt.Printf("lists of %d tasks of 8 kB to %d clients, %s: %.0f/s\n",
			most, clients, side.name, float64(len(latencies))/(3*o.round).Seconds())
	}
	return reportPeak(sides, "with the largest lists")
}
