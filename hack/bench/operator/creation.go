package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// patient bounds each wait of a row. Rows measure counts and ratios, so it only ends a run that would never end.
const patient = 30 * time.Minute

// withManager starts the manager in a new environment, lets it make one app of each shape, and hands their objects to a function
// as templates of the floor. The manager does not run when the function is called.
func withManager(ctx context.Context, o options, of shape, do func(context.Context, *environment, template) error) error {
	return withEnvironment(ctx, o, nil, func(ctx context.Context, e *environment) error {
		if err := e.namespace(ctx, "samples"); err != nil {
			return err
		}
		if err := e.startManager(ctx); err != nil {
			return err
		}
		one := types.NamespacedName{Namespace: "samples", Name: sample}
		if err := e.create(ctx, fleet{one}, of); err != nil {
			return err
		}
		if err := e.await(ctx, "created", fleet{one}, time.Minute, described); err != nil {
			return err
		}
		t, err := e.capture(ctx, one)
		if err != nil {
			return err
		}
		e.manager.stop()
		return do(ctx, e, t)
	})
}

// rounds is the number of parts in which the floor and the operator make their apps by turns, so that what else the machine does
// hits both.
const rounds = 4

// measureTurns lets the floor and the operator make the same number of apps by turns, and returns the cost of each. The namespaces
// of the apps must exist. The manager does not run before, and runs afterwards.
func (e *environment) measureTurns(
	ctx context.Context, t template, apps fleet, of shape, floors int,
) (created, floor cost, err error) {
	for round := range rounds {
		part := apps[round*len(apps)/rounds : (round+1)*len(apps)/rounds]
		var namespaces []string
		for i := range floors {
			namespaces = append(namespaces, fmt.Sprintf("floor-%d-%d", round, i))
		}
		least, err := e.floor(ctx, t, len(part), namespaces...)
		if err != nil {
			return created, floor, err
		}
		if err := e.startManager(ctx); err != nil {
			return created, floor, err
		}
		if err := e.settle(ctx, patient); err != nil {
			return created, floor, err
		}
		one, err := e.measureCreation(ctx, part, of)
		if err != nil {
			return created, floor, err
		}
		created, floor = created.plus(one), floor.plus(least)
		if round < rounds-1 {
			e.manager.stop()
		}
	}
	return created, floor, nil
}

// measureCreation creates apps and measures until the operator has made their objects and written their status. Their namespaces
// must exist.
func (e *environment) measureCreation(ctx context.Context, apps fleet, of shape) (cost, error) {
	m, err := e.measure(ctx)
	if err != nil {
		return cost{}, err
	}
	if err := e.create(ctx, apps, of); err != nil {
		return cost{}, err
	}
	if err := e.await(ctx, "created", apps, patient, described); err != nil {
		return cost{}, err
	}
	took := time.Since(m.begin)
	if err := e.settle(ctx, patient); err != nil {
		return cost{}, err
	}
	return m.cost(ctx, took)
}

// measureReady starts the controllers that start pods, and measures until the operator has written that all apps are ready.
func (e *environment) measureReady(ctx context.Context, apps fleet) (cost, error) {
	return e.measureChange(ctx, apps, "ready", isReady, e.startWorkers)
}

// measureRotation rotates the keys of apps and measures until the next version is active.
func (e *environment) measureRotation(ctx context.Context, apps fleet, version int64) (cost, error) {
	return e.measureChange(ctx, apps, "promoted", signsWith(version), func() error {
		return e.merge(ctx, apps, moment("rotateAfter"))
	})
}

// measureChange makes a change and measures until all apps pass a check and the operator sends no requests.
func (e *environment) measureChange(ctx context.Context, apps fleet, what string, passed check, change func() error) (cost, error) {
	m, err := e.measure(ctx)
	if err != nil {
		return cost{}, err
	}
	if err := change(); err != nil {
		return cost{}, err
	}
	if err := e.await(ctx, what, apps, patient, passed); err != nil {
		return cost{}, err
	}
	took := time.Since(m.begin)
	if err := e.settle(ctx, patient); err != nil {
		return cost{}, err
	}
	return m.cost(ctx, took)
}

// addCosts adds the time and the CPU of a phase beside those of the floor.
func (r *report) addCosts(what string, apps int, c, floor cost, target string) {
	n := float64(apps)
	per := func(c cost) float64 { return 1000 * c.took.Seconds() / n }
	r.add(result{what: what + ": time per app", value: per(c), unit: "ms", floor: per(floor)})
	r.addCPU(what, apps, c, floor, target)
}

// addCPU adds the CPU of a phase beside that of the floor, in all and by program.
func (r *report) addCPU(what string, apps int, c, floor cost, target string) {
	n := float64(apps)
	r.add(result{what: what + ": CPU per app", value: c.perApp(apps), unit: "ms", floor: floor.perApp(apps), target: target})
	r.add(result{what: what + ": CPU per app, manager", value: 1000 * c.manager / n, unit: "ms", floor: 1000 * floor.manager / n})
	r.add(result{what: what + ": CPU per app, API server", value: 1000 * c.api / n, unit: "ms", floor: 1000 * floor.api / n})
}

// addRequests adds the number of requests per app.
func (r *report) addRequests(what string, apps int, c cost, floor float64, target string, ceiling float64) {
	per := float64(len(c.requests)) / float64(apps)
	r.add(result{what: what + ": requests per app", value: per, floor: floor, target: target, ceiling: ceiling})
	progress("%s: %.2f requests per app, %.2f of them writes: %s", what, per,
		float64(written(c.requests))/float64(apps), counts(c.requests, apps))
}

// addWrites adds the number of writes, which should be none, and prints the kinds of all requests.
func (r *report) addWrites(what string, c cost) {
	r.add(result{what: what + "writes", value: float64(written(c.requests)), target: "0"})
	progress("%sall requests: %s", what, counts(c.requests, 1))
}

// addMemory adds the manager's resident memory.
func (r *report) addMemory(what string, e *environment) error {
	now, peak, err := e.manager.memory()
	if err != nil {
		return err
	}
	r.add(result{what: what + ": manager's memory", value: now, unit: "MiB"})
	r.add(result{what: what + ": manager's memory at its peak", value: peak, unit: "MiB", target: fmt.Sprintf("≤ %s", memoryLimit)})
	return nil
}
