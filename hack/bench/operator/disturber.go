package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// disturber kills and stops the processes of an environment by turns.
type disturber struct {
	e        *environment
	managers []*process
	// done is the number of disturbances that were made. They take turns.
	done atomic.Int64
	// restarts counts how often a manager or kube-controller-manager ended by itself.
	restarts int
}

// disturbances are the disturbances, in the order in which they are made.
var disturbances = []struct {
	name string
	make func(context.Context, *disturber) error
}{
	{"manager 1 killed", func(_ context.Context, d *disturber) error { return d.restart(d.managers[0]) }},
	{"API server killed", func(ctx context.Context, d *disturber) error {
		d.e.api.kill()
		return d.e.startAPI(ctx)
	}},
	{"manager 2 stopped", func(ctx context.Context, d *disturber) error { return d.freeze(ctx, d.managers[1]) }},
	{"etcd killed", func(_ context.Context, d *disturber) error { return d.restart(d.e.etcd) }},
	{"manager 2 killed", func(_ context.Context, d *disturber) error { return d.restart(d.managers[1]) }},
	{"etcd stopped", func(ctx context.Context, d *disturber) error { return d.freeze(ctx, d.e.etcd) }},
	{"API server stopped", func(ctx context.Context, d *disturber) error { return d.freeze(ctx, d.e.api) }},
}

// frozen is how long a process is stopped.
const frozen = 5 * time.Second

// run disturbs until the context ends. The environment then runs undisturbed.
func (d *disturber) run(ctx context.Context) error {
	for ; ; d.done.Add(1) {
		if err := d.pause(ctx, calm); err != nil {
			return d.supervise()
		}
		if err := d.supervise(); err != nil {
			return err
		}
		next := disturbances[int(d.done.Load())%len(disturbances)]
		// A disturbance that has begun is brought to its end.
		if err := next.make(context.WithoutCancel(ctx), d); err != nil {
			return fmt.Errorf("disturbing (%s): %w", next.name, err)
		}
	}
}

// supervise restarts processes that ended by themselves, as a kubelet does.
func (d *disturber) supervise() error {
	var errs []error
	for _, p := range append([]*process{d.e.workers}, d.managers...) {
		if !p.running() {
			d.restarts++
			errs = append(errs, d.restart(p))
		}
	}
	return errors.Join(errs...)
}

// restart kills a process, unless it has ended, and starts it again.
func (d *disturber) restart(p *process) error {
	p.kill()
	return p.start()
}

// freeze stops a process for a while.
func (d *disturber) freeze(ctx context.Context, p *process) error {
	p.stopRunning()
	defer p.resume()
	return d.pause(ctx, frozen)
}

// pause waits. It returns an error if the context ends first.
func (d *disturber) pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// summary says how often each disturbance was made.
func (d *disturber) summary() string {
	parts := make([]string, 0, len(disturbances)+1)
	for i, one := range disturbances {
		made := (int(d.done.Load()) + len(disturbances) - 1 - i) / len(disturbances)
		parts = append(parts, fmt.Sprintf("%d × %s", made, one.name))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d × ended by itself", d.restarts)), ", ")
}
