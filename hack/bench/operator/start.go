package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// startRuns is the number of starts over settled apps.
	startRuns = 3
	// memoryCeiling is memoryLimit in MiB.
	memoryCeiling = 512
)

// runStart starts the manager over settled full apps with the chart's memory limit.
func runStart(ctx context.Context, o options, r *report) error {
	return withEnvironment(ctx, o, nil, func(ctx context.Context, e *environment) error {
		apps, namespaces := spreadOut("full", o.startApps)
		for _, namespace := range namespaces {
			if err := e.namespace(ctx, namespace); err != nil {
				return err
			}
		}
		if err := errors.Join(e.startWorkers(), e.startManager(ctx)); err != nil {
			return err
		}
		if err := e.create(ctx, apps, full); err != nil {
			return err
		}
		if err := e.await(ctx, "ready", apps, 2*time.Hour, isReady); err != nil {
			return err
		}
		if err := e.settle(ctx, patient); err != nil {
			return err
		}
		for run := range startRuns {
			if err := e.measureStart(ctx, r, fmt.Sprintf("start %d over %d full apps: ", run+1, o.startApps)); err != nil {
				return err
			}
		}
		// A tenth of them rotates, as if all were due within a few hours.
		some := apps[:max(1, len(apps)/10)]
		if _, err := e.measureRotation(ctx, some, 2); err != nil {
			return err
		}
		return e.addPeak(r, fmt.Sprintf("%d full apps, of which %d have rotated: ", len(apps), len(some)))
	})
}

// measureStart restarts the manager, and measures until it has read all apps.
func (e *environment) measureStart(ctx context.Context, r *report, what string) error {
	e.manager.stop()
	m, err := e.measure(ctx)
	if err != nil {
		return err
	}
	if err := e.startManager(ctx); err != nil {
		return err
	}
	r.add(result{what: what + "ready after", value: time.Since(m.begin).Seconds(), unit: "s"})
	used := e.manager.cpu() - m.start.manager
	r.add(result{what: what + "CPU of the manager until it is ready", value: used, unit: "s", target: "≤ 15 s"})
	if err := e.settle(ctx, patient); err != nil {
		return err
	}
	c, err := m.cost(ctx, time.Since(m.begin))
	if err != nil {
		return err
	}
	r.add(result{what: what + "CPU of the manager until it has compared all", value: c.manager, unit: "s"})
	r.add(result{what: what + "CPU of the API server", value: c.api, unit: "s"})
	r.addWrites(what, c)
	return e.addPeak(r, what)
}

// addPeak adds the manager's peak of resident memory, which must be below the chart's limit.
func (e *environment) addPeak(r *report, what string) error {
	_, peak, err := e.manager.memory()
	if err != nil {
		return err
	}
	r.add(result{what: what + "memory at its peak", value: peak, unit: "MiB", ceiling: memoryCeiling})
	return nil
}

// runLeader kills the leader of two managers and measures until the other one has made a new app.
func runLeader(ctx context.Context, o options, r *report) error {
	return withEnvironment(ctx, o, nil, func(ctx context.Context, e *environment) error {
		if err := errors.Join(e.namespace(ctx, "todoapp-system"), e.namespace(ctx, "one")); err != nil {
			return err
		}
		standby, _, err := e.newManager(o, "manager-2", "--leader-elect")
		if err != nil {
			return err
		}
		if e.manager, _, err = e.newManager(o, "manager-1", "--leader-elect"); err != nil {
			return err
		}
		if err := e.startManager(ctx); err != nil {
			return err
		}
		apps := fleetOf("one", "app", o.apps)
		if err := e.create(ctx, apps, small); err != nil {
			return err
		}
		if err := e.await(ctx, "created", apps, patient, described); err != nil {
			return err
		}
		leader := e.manager
		e.manager = standby
		if err := e.startManager(ctx); err != nil {
			return err
		}
		if err := e.settle(ctx, patient); err != nil {
			return err
		}
		leader.kill()
		app := types.NamespacedName{Namespace: "one", Name: "new"}
		begin := time.Now()
		if err := e.create(ctx, fleet{app}, small); err != nil {
			return err
		}
		if _, err := took(ctx, app, e.passes(ctx, app, described)); err != nil {
			return err
		}
		what := fmt.Sprintf("leader killed among %d apps: a new app after", o.apps)
		r.add(result{what: what, value: time.Since(begin).Seconds(), unit: "s", target: "≤ 14 s (the lease and 2 s)"})
		return nil
	})
}
