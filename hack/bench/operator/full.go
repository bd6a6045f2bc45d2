package main

import (
	"context"
	"fmt"
)

// spread is the number of namespaces of full apps.
const spread = 10

// spreadOut returns apps in namespaces, by turns, and the names of the namespaces.
func spreadOut(prefix string, n int) (apps fleet, namespaces []string) {
	for i := range spread {
		namespaces = append(namespaces, fmt.Sprintf("%s-%d", prefix, i))
	}
	for i, app := range fleetOf("", "app", n) {
		app.Namespace = namespaces[i%spread]
		apps = append(apps, app)
	}
	return apps, namespaces
}

// runFull measures full apps in ten namespaces.
func runFull(ctx context.Context, o options, r *report) error {
	return withManager(ctx, o, full, func(ctx context.Context, e *environment, t template) error {
		apps, namespaces := spreadOut("full", o.apps)
		for _, namespace := range namespaces {
			if err := e.namespace(ctx, namespace); err != nil {
				return err
			}
		}
		created, floor, err := e.measureTurns(ctx, t, apps, full, spread)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("%d full apps in %d namespaces", o.apps, spread)
		r.addCosts(what, o.apps, created, floor, "≤ 1.3×")
		r.addRequests(what, o.apps, created, float64(len(floor.requests))/float64(o.apps)-1, "", 0)
		ready, err := e.measureReady(ctx, apps)
		if err != nil {
			return err
		}
		r.addRequests(what+", from created to ready", o.apps, ready, 0, "", 0)
		rotated, err := e.measureRotation(ctx, apps, 2)
		if err != nil {
			return err
		}
		r.addRequests(fmt.Sprintf("rotation of %d full apps", o.apps), o.apps, rotated, 0, "", 0)
		r.add(result{what: "rotation of full apps: all promoted after", value: rotated.took.Seconds(), unit: "s"})
		return r.addMemory(fmt.Sprintf("%d full apps after a rotation", o.apps), e)
	})
}

// growth is the ratio of the two numbers of apps that runFlat compares.
const growth = 5

// runFlat compares the cost per app of few and of many apps in a namespace.
func runFlat(ctx context.Context, o options, r *report) error {
	return withEnvironment(ctx, o, nil, func(ctx context.Context, e *environment) error {
		for _, namespace := range []string{"few", "many"} {
			if err := e.namespace(ctx, namespace); err != nil {
				return err
			}
		}
		if err := e.startManager(ctx); err != nil {
			return err
		}
		return measureGrowth(ctx, e, r, fleetOf("few", "app", o.apps/growth), fleetOf("many", "app", o.apps), 0)
	})
}
