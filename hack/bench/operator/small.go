package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// runSmall measures apps with an empty spec in one namespace.
func runSmall(ctx context.Context, o options, r *report) error {
	return withManager(ctx, o, small, func(ctx context.Context, e *environment, t template) error {
		floor, err := e.floor(ctx, t, o.apps, "floor")
		if err != nil {
			return err
		}
		if err := e.namespace(ctx, "one"); err != nil {
			return err
		}
		if err := e.startManager(ctx); err != nil {
			return err
		}
		apps := fleetOf("one", "app", o.apps)
		created, err := e.measureCreation(ctx, apps, small)
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
		for _, rows := range []func(context.Context, options, *environment, *report, fleet) error{
			measureRest, measureScrape, measureRestart, measureBusy, measureSilent,
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

// measureBusy measures how long a new app and a revocation take at rest, and while all other apps rotate.
func measureBusy(ctx context.Context, _ options, e *environment, r *report, apps fleet) error {
	leaked := fleetOf("one", "leaked", 2)
	if err := e.create(ctx, leaked, small); err != nil {
		return err
	}
	if err := e.await(ctx, "ready", leaked, patient, isReady); err != nil {
		return err
	}
	if err := e.settle(ctx, patient); err != nil {
		return err
	}
	idleNew, _, err := e.newcomer(ctx, "one", "newcomer-at-rest")
	if err != nil {
		return err
	}
	idleRevoked, err := e.revoke(ctx, leaked[0])
	if err != nil {
		return err
	}
	var busyNew, busyRevoked time.Duration
	var ahead int
	c, err := e.measureChange(ctx, apps, "promoted", signsWith(2), func() error {
		if err := e.merge(ctx, apps, moment("rotateAfter")); err != nil {
			return err
		}
		if busyNew, ahead, err = e.newcomer(ctx, "one", "newcomer-in-rotation"); err != nil {
			return err
		}
		busyRevoked, err = e.revoke(ctx, leaked[1])
		return err
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("while %d apps rotate: ", len(apps))
	r.addTimes(what+"a new app", busyNew, idleNew)
	r.add(result{what: what + "requests before the new app's status", value: float64(ahead)})
	r.addTimes(what+"a revocation", busyRevoked, idleRevoked)
	r.addRequests(fmt.Sprintf("rotation of %d apps", len(apps)), len(apps), c, 0, "≤ 28", 0)
	r.add(result{what: "rotation: CPU per app", value: c.perApp(len(apps)), unit: "ms"})
	r.add(result{what: "rotation: all promoted after", value: c.took.Seconds(), unit: "s"})
	return nil
}

// measureSilent measures how long a new app takes while the pods of others do not answer.
func measureSilent(ctx context.Context, o options, e *environment, r *report, _ fleet) error {
	if err := e.namespace(ctx, "silent"); err != nil {
		return err
	}
	idle, _, err := e.newcomer(ctx, "one", "newcomer-among-answers")
	if err != nil {
		return err
	}
	e.kubelet.silence("silent")
	apps := fleetOf("silent", "app", o.silentApps)
	if err := e.create(ctx, apps, small); err != nil {
		return err
	}
	if err := e.await(ctx, "ready", apps, patient, isReady); err != nil {
		return err
	}
	if err := e.merge(ctx, apps, moment("rotateAfter")); err != nil {
		return err
	}
	busy, ahead, err := e.newcomer(ctx, "one", "newcomer-among-silence")
	if err != nil {
		return err
	}
	what := fmt.Sprintf("while pods of %d apps do not answer: ", len(apps))
	r.addTimes(what+"a new app", busy, idle)
	r.add(result{what: what + "requests before the new app's status", value: float64(ahead)})
	return nil
}

// addTimes adds a time under load beside the time at rest.
func (r *report) addTimes(what string, busy, idle time.Duration) {
	r.add(result{what: what, value: busy.Seconds(), unit: "s", floor: idle.Seconds(), target: "≤ 3×"})
}

// newcomer creates an app. It returns how long it takes until the app's status is written, and how many requests the operator
// sends meanwhile.
func (e *environment) newcomer(ctx context.Context, namespace, name string) (time.Duration, int, error) {
	app := types.NamespacedName{Namespace: namespace, Name: name}
	mark := e.audit.mark()
	if err := e.create(ctx, fleet{app}, small); err != nil {
		return 0, 0, err
	}
	took, err := took(ctx, app, e.passes(ctx, app, described))
	if err != nil {
		return 0, 0, fmt.Errorf("waiting for a new app: %w", err)
	}
	requests, err := e.audit.since(mark, userOperator)
	return took, len(requests), err
}

// revoke revokes the keys of an app, whose key is version 1, and returns how long its pods still trust that version.
func (e *environment) revoke(ctx context.Context, app types.NamespacedName) (time.Duration, error) {
	if !e.kubelet.trusts(app, 1) {
		return 0, fmt.Errorf("no pod of %s trusts version 1", app)
	}
	if err := e.merge(ctx, fleet{app}, moment("revokeBefore")); err != nil {
		return 0, err
	}
	took, err := took(ctx, app, func() bool { return !e.kubelet.trusts(app, 1) })
	if err != nil {
		return 0, fmt.Errorf("waiting for a revocation: %w", err)
	}
	return took, nil
}
