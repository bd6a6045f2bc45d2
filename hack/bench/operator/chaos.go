package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const (
	// chaosShare is the probability of each kind of injected fault, in thousandths.
	chaosShare = 20
	// chaosRotations is the number of rotations of each app. One more would wait until the tokens of the first key have expired,
	// because the API trusts three keys at most.
	chaosRotations = 2
	// calm is the time between two disturbances.
	calm = 3 * time.Second
)

// runChaos creates and rotates apps while requests fail and processes are killed and stopped. Two managers work at once without a
// lease, as if a leader that was stopped had come back. Then the disturbances end, and every app must become complete.
func runChaos(ctx context.Context, o options, r *report) error {
	record := newLedger()
	return withEnvironment(ctx, o, record, func(ctx context.Context, e *environment) error {
		proxy, err := startFaults(e.cluster)
		if err != nil {
			return err
		}
		defer func() { _ = proxy.server.Close() }()
		e.address, e.disturbed = proxy.url, true
		d := &disturber{e: e}
		for _, name := range []string{"manager-1", "manager-2"} {
			p, _, err := e.newManager(o, name)
			if err != nil {
				return err
			}
			d.managers = append(d.managers, p)
		}
		e.manager = d.managers[0]
		if err := errors.Join(e.namespace(ctx, "chaos"), e.startManager(ctx), d.managers[1].start(), e.startWorkers()); err != nil {
			return err
		}
		apps := fleetOf("chaos", "app", o.chaosApps)
		begin := time.Now()
		rotations, err := d.rotate(ctx, proxy, apps)
		if err != nil {
			return errors.Join(err, errors.New(strings.Join(record.violations(), "\n")))
		}
		progress("all complete after %s, with %s", time.Since(begin).Round(time.Second), d.summary())
		r.addChaos(record, proxy, len(apps), rotations)
		return nil
	})
}

// rotate creates and rotates apps while it disturbs processes, and waits until all are complete. It returns the number of
// rotations of each app.
func (d *disturber) rotate(ctx context.Context, proxy *faults, apps fleet) (int, error) {
	proxy.share.Store(chaosShare)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	disturbing, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.run(disturbing) }()
	err := d.e.create(ctx, apps, full)
	if err == nil {
		err = d.e.await(ctx, "created", apps, patient, signsWith(1))
	}
	active := int64(1)
	for err == nil && active <= chaosRotations {
		err = d.e.await(ctx, "ready to be asked for a rotation", apps, patient, madeBefore(time.Now))
		if err == nil {
			err = d.e.merge(ctx, apps, moment("rotateAfter"))
		}
		if err == nil {
			active++
			err = d.e.await(ctx, "promoted", apps, patient, signsWith(active))
		}
	}
	if err == nil {
		err = d.each(ctx)
	}
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return 0, err
	}
	proxy.share.Store(0)
	complete := func(app *todov1.TodoApp) bool {
		return isReady(app) && drains(active)(app) && len(app.Status.Keys) == int(active)
	}
	return int(active) - 1, d.e.await(ctx, "complete", apps, patient, complete)
}

// each waits until each disturbance was made once.
func (d *disturber) each(ctx context.Context) error {
	return poll(ctx, patient, 100*time.Millisecond, func(context.Context) error {
		if made := d.done.Load(); made < int64(len(disturbances)) {
			return fmt.Errorf("%d of %d disturbances are made", made, len(disturbances))
		}
		return nil
	})
}

// addChaos adds the counts of a run, which must all be zero.
func (r *report) addChaos(record *ledger, proxy *faults, apps, rotations int) {
	found := record.violations()
	for _, violation := range found {
		progress("violation: %s", violation)
	}
	what := fmt.Sprintf("chaos with %d apps, %d rotations each: ", apps, rotations)
	none := func(what string, value int) {
		r.add(result{what: what, value: float64(value), target: "0", zero: true})
	}
	none(what+"keys lost, versions with two values, tokens refused", len(found))
	keys, loads := record.totals()
	incomplete := apps*(1+rotations) - keys
	none(what+"keys missing or too many", max(incomplete, -incomplete))
	// Each app has a frontend and a backend, which load each version.
	none(what+"loads of keys that were not seen", max(0, 2*apps*(1+rotations)-loads))
	var injected []string
	for kind := range kinds {
		injected = append(injected, fmt.Sprintf("%d × %s", proxy.injected[kind].Load(), kind))
	}
	progress("%s%d loads of keys, %s", what, loads, strings.Join(injected, ", "))
}

// nothing returns a logger that writes nothing.
func nothing() *log.Logger { return log.New(io.Discard, "", 0) }
