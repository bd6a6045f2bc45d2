package main

import (
	"context"
	"fmt"
	"time"
)

// The ceilings of the short form. They are counts: the time of a shared machine says nothing. A change that lowers a count lowers
// its ceiling too.
const (
	creationCeiling = 10.5
	readyCeiling    = 4
	rotationCeiling = 24
	// growthCeiling bounds the bytes that the operator lists per app among 200 apps, relative to those among 100.
	growthCeiling = 1.1
	// aheadCeiling bounds the requests that the operator sends between the creation of an app and its status, while 200 others rotate.
	aheadCeiling = 90
)

// few and many are the numbers of apps of the short form.
const few, many = 100, 200

// shortChaos is the number of apps of the short form's chaos.
const shortChaos = 20

// runShort measures counts only.
func runShort(ctx context.Context, o options, r *report) error {
	return withEnvironment(ctx, o, nil, func(ctx context.Context, e *environment) error {
		for _, namespace := range []string{"few", "many"} {
			if err := e.namespace(ctx, namespace); err != nil {
				return err
			}
		}
		if err := e.startManager(ctx); err != nil {
			return err
		}
		apps := fleetOf("many", "app", many)
		if err := measureGrowth(ctx, e, r, fleetOf("few", "app", few), apps, growthCeiling); err != nil {
			return err
		}
		c, err := e.measureReady(ctx, apps)
		if err != nil {
			return err
		}
		r.addRequests("from created to ready", few+many, c, 0, "", readyCeiling)
		return rotateShort(ctx, e, r, apps)
	})
}

// rotateShort rotates apps and creates another app meanwhile.
func rotateShort(ctx context.Context, e *environment, r *report, apps fleet) error {
	var ahead result
	c, err := e.measureChange(ctx, apps, "promoted", signsWith(2), func() error {
		if err := e.merge(ctx, apps, moment("rotateAfter")); err != nil {
			return err
		}
		took, requests, err := e.newcomer(ctx, "many", "newcomer")
		ahead = result{what: "a new app while others rotate: requests until its status", value: float64(requests), ceiling: aheadCeiling}
		progress("the new app took %s", took.Round(time.Millisecond))
		return err
	})
	if err != nil {
		return err
	}
	r.addRequests(fmt.Sprintf("rotation of %d apps", len(apps)), len(apps), c, 0, "≤ 28", rotationCeiling)
	r.add(ahead)
	return nil
}

// measureGrowth creates two numbers of apps, each in a namespace of its own, and compares the costs per app.
func measureGrowth(ctx context.Context, e *environment, r *report, less, more fleet, ceiling float64) error {
	of := func(apps fleet) (cost, error) { return e.measureCreation(ctx, apps, small) }
	a, err := of(less)
	if err != nil {
		return err
	}
	b, err := of(more)
	if err != nil {
		return err
	}
	r.addRequests(fmt.Sprintf("creation of %d apps", len(less)), len(less), a, floorWrites, "≤ 10", creationCeiling)
	r.addRequests(fmt.Sprintf("creation of %d apps", len(more)), len(more), b, floorWrites, "≤ 10", creationCeiling)
	per := func(c cost, apps fleet) float64 { return c.listed / float64(len(apps)) / 1024 }
	what := fmt.Sprintf("%d apps relative to %d: ", len(more), len(less))
	r.add(result{what: fmt.Sprintf("%d apps: bytes listed per app", len(less)), value: per(a, less), unit: "KiB"})
	r.add(result{what: fmt.Sprintf("%d apps: bytes listed per app", len(more)), value: per(b, more), unit: "KiB"})
	// A kibibyte is added, so that two figures close to zero compare as equal.
	listed := (1 + per(b, more)) / (1 + per(a, less))
	r.add(result{what: what + "growth of the bytes listed per app", value: listed, target: "≤ 1.1", ceiling: ceiling})
	r.add(result{what: what + "growth of the CPU per app", value: b.perApp(len(more)) / a.perApp(len(less)), target: "≤ 1.1"})
	return nil
}

// floorWrites is the number of requests of the floor per app: six objects of an app with an empty spec and one status.
const floorWrites = 7
