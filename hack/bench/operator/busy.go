package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// samples is the number of apps of which the median time counts.
const samples = 7

// measureBusy measures how long a new app and a revocation take at rest, and while all other apps rotate, and what the rotations
// cost beside the floor.
func measureBusy(ctx context.Context, e *environment, r *report, t template, apps fleet) error {
	e.manager.stop()
	floor, err := e.floorRotation(ctx, t, len(apps))
	if err != nil {
		return err
	}
	if err := e.startManager(ctx); err != nil {
		return err
	}
	atRest, busy := fleetOf("one", "leaked-at-rest", samples), fleetOf("one", "leaked-in-rotation", samples)
	for _, leaked := range []fleet{atRest, busy} {
		if err := e.create(ctx, leaked, small); err != nil {
			return err
		}
		if err := e.await(ctx, "ready", leaked, patient, isReady); err != nil {
			return err
		}
	}
	if err := e.settle(ctx, patient); err != nil {
		return err
	}
	idle, err := e.urgent(ctx, "newcomer-at-rest", atRest)
	if err != nil {
		return err
	}
	var loaded urgentTimes
	c, err := e.measureChange(ctx, apps, "promoted", signsWith(2), func() error {
		if err := e.merge(ctx, apps, moment("rotateAfter")); err != nil {
			return err
		}
		loaded, err = e.urgent(ctx, "newcomer-in-rotation", busy)
		return err
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("while %d apps rotate: ", len(apps))
	r.addTimes(what+"a new app", loaded.created, idle.created)
	r.addTimes(what+"a revocation", loaded.revoked, idle.revoked)
	r.addRotation(len(apps), c, floor)
	return nil
}

// addRotation adds what the rotations of a number of apps cost beside those of the floor.
func (r *report) addRotation(apps int, c, floor cost) {
	what := fmt.Sprintf("rotation of %d apps", apps)
	r.addRequests(what, apps, c, float64(len(floor.requests))/float64(apps), "≤ 28", 0)
	r.addCPU(what, apps, c, floor, "")
	r.add(result{what: what + ": all promoted after", value: c.took.Seconds(), unit: "s", floor: floor.took.Seconds(), target: "≤ 3×"})
}

// urgentTimes holds what must not wait for other apps: the median times of new apps and of revocations.
type urgentTimes struct{ created, revoked time.Duration }

// urgent creates apps and revokes the keys of others by turns.
func (e *environment) urgent(ctx context.Context, name string, leaked fleet) (urgentTimes, error) {
	var created, revoked []time.Duration
	for i, app := range leaked {
		took, _, err := e.newcomer(ctx, app.Namespace, fmt.Sprintf("%s-%d", name, i))
		if err != nil {
			return urgentTimes{}, err
		}
		created = append(created, took)
		if took, err = e.revoke(ctx, app); err != nil {
			return urgentTimes{}, err
		}
		revoked = append(revoked, took)
	}
	progress("%s: new apps took %v, revocations %v", name, rounded(created), rounded(revoked))
	return urgentTimes{median(created), median(revoked)}, nil
}

// median returns the median of an odd number of times.
func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

// rounded returns times to the millisecond.
func rounded(times []time.Duration) []time.Duration {
	all := slices.Clone(times)
	for i := range all {
		all[i] = all[i].Round(time.Millisecond)
	}
	return all
}

// measureSilent measures how long a new app takes while the pods of others do not answer.
func measureSilent(ctx context.Context, o options, e *environment, r *report, _ fleet) error {
	if err := e.namespace(ctx, "silent"); err != nil {
		return err
	}
	idle, err := e.newcomers(ctx, "newcomer-among-answers")
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
	busy, err := e.newcomers(ctx, "newcomer-among-silence")
	if err != nil {
		return err
	}
	r.addTimes(fmt.Sprintf("while pods of %d apps do not answer: a new app", len(apps)), busy, idle)
	return nil
}

// addTimes adds a time under load beside the time at rest.
func (r *report) addTimes(what string, busy, idle time.Duration) {
	r.add(result{what: what, value: busy.Seconds(), unit: "s", floor: idle.Seconds(), target: "≤ 3×"})
}

// newcomers creates apps one after the other, and returns the median time of one.
func (e *environment) newcomers(ctx context.Context, name string) (time.Duration, error) {
	var times []time.Duration
	for i := range samples {
		took, _, err := e.newcomer(ctx, "one", fmt.Sprintf("%s-%d", name, i))
		if err != nil {
			return 0, err
		}
		times = append(times, took)
	}
	progress("%s: new apps took %v", name, rounded(times))
	return median(times), nil
}

// newcomer creates an app. It returns how long it takes until the app's status is written, and how many requests the operator
// sends meanwhile.
func (e *environment) newcomer(ctx context.Context, namespace, name string) (time.Duration, int, error) {
	app := types.NamespacedName{Namespace: namespace, Name: name}
	mark, begin := e.audit.mark(), time.Now()
	if err := e.create(ctx, fleet{app}, small); err != nil {
		return 0, 0, err
	}
	if _, err := took(ctx, app, e.passes(ctx, app, described)); err != nil {
		return 0, 0, fmt.Errorf("waiting for a new app: %w", err)
	}
	took := time.Since(begin)
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
