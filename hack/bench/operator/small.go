package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// runSmall measures apps with an empty spec in one namespace.
func runSmall(ctx context.Context, o options, r *report) error {
	return withManager(ctx, o, small, func(ctx context.Context, e *environment, t template) error {
		if err := e.namespace(ctx, "one"); err != nil {
			return err
		}
		apps := fleetOf("one", "app", o.apps)
		created, floor, err := e.measureTurns(ctx, t, apps, small, 1)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("%d apps in one namespace", o.apps)
		r.addCosts(what, o.apps, created, floor, "≤ 1.3×")
		r.addRequests(what, o.apps, created, float64(len(floor.requests))/float64(o.apps)-1, "≤ 10", 0)
		ready, err := e.measureReady(ctx, apps)
		if err != nil {
			return err
		}
		r.addRequests(what+", from created to ready", o.apps, ready, 0, "", 0)
		busy := func(ctx context.Context, _ options, e *environment, r *report, apps fleet) error {
			return measureBusy(ctx, e, r, t, apps)
		}
		for _, rows := range []func(context.Context, options, *environment, *report, fleet) error{
			measureRest, measureScrape, measureRestart, busy, measureSilent,
		} {
			if err := rows(ctx, o, e, r, apps); err != nil {
				return err
			}
		}
		return r.addMemory("after all rows of small apps", e)
	})
}

// measureRest watches the operator while nothing changes.
func measureRest(ctx context.Context, o options, e *environment, r *report, _ fleet) error {
	m, err := e.measure(ctx)
	if err != nil {
		return err
	}
	progress("at rest for %s", o.steady)
	select {
	case <-time.After(o.steady):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c, err := m.cost(ctx, o.steady)
	if err != nil {
		return err
	}
	r.add(result{what: fmt.Sprintf("at rest for %s: requests", o.steady), value: float64(len(c.requests)), target: "0"})
	r.add(result{what: "at rest: share of a core", value: 100 * c.manager / o.steady.Seconds(), unit: "%", target: "0.07 %"})
	return nil
}

// scrapes is the number of scrapes that are averaged.
const scrapes = 20

// measureScrape reads the manager's metrics.
func measureScrape(ctx context.Context, o options, e *environment, r *report, _ fleet) error {
	begin, series, size := e.manager.cpu(), 0, 0
	for range scrapes {
		series, size = 0, 0
		err := get(ctx, e.metrics, func(response *http.Response) error {
			lines := bufio.NewScanner(response.Body)
			for lines.Scan() {
				size += len(lines.Bytes()) + 1
				if !strings.HasPrefix(lines.Text(), "#") {
					series++
				}
			}
			return lines.Err()
		})
		if err != nil {
			return err
		}
	}
	spent := 1000 * (e.manager.cpu() - begin) / scrapes
	r.add(result{what: "one scrape: CPU per 1,000 apps", value: spent * 1000 / float64(o.apps), unit: "ms", target: "≤ 10 ms"})
	r.add(result{what: "one scrape: series", value: float64(series)})
	r.add(result{what: "one scrape: size", value: float64(size) / 1024, unit: "KiB"})
	return nil
}

// measureRestart restarts the manager over settled apps.
func measureRestart(ctx context.Context, _ options, e *environment, r *report, apps fleet) error {
	e.manager.stop()
	m, err := e.measure(ctx)
	if err != nil {
		return err
	}
	if err := e.startManager(ctx); err != nil {
		return err
	}
	if err := e.settle(ctx, patient); err != nil {
		return err
	}
	c, err := m.cost(ctx, time.Since(m.begin))
	if err != nil {
		return err
	}
	what := fmt.Sprintf("restart over %d apps: ", len(apps))
	r.addWrites(what, c)
	r.add(result{what: what + "requests", value: float64(len(c.requests))})
	r.add(result{what: what + "CPU of the manager", value: c.manager, unit: "s", target: "≤ 5 s per 1,000 apps"})
	return nil
}
