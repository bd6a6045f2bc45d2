package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// turn is how long one of the two is updated before the other has its turn.
const turn = time.Second

// alternate updates one of the two after the other, for a turn each, at a steady rate, and returns how long each answer
// took, from when its request was due. A turn begins when the last answer of the one before has come.
func alternate(ctx context.Context, c client.Client, apps [2]*todov1.TodoApp, body func(*todov1.TodoApp, int) string,
	rate float64, duration time.Duration) ([2][]time.Duration, error) {
	var took [2][]time.Duration
	for range max(1, duration/turn) {
		for side, app := range apps {
			latencies, err := update(ctx, c, app, body, rate)
			if err != nil {
				return took, fmt.Errorf("updating %s: %w", client.ObjectKeyFromObject(app), err)
			}
			took[side] = append(took[side], latencies...)
		}
	}
	return took, nil
}

// update is one turn. Of the updates that failed, the first says why.
func update(ctx context.Context, c client.Client, app *todov1.TodoApp, body func(*todov1.TodoApp, int) string, rate float64,
) ([]time.Duration, error) {
	interval := time.Duration(float64(time.Second) / rate)
	took := make([]time.Duration, max(1, turn/interval))
	errs := make([]error, len(took))
	var requests sync.WaitGroup
	defer requests.Wait()
	begin := time.Now()
	for n := range took {
		due := begin.Add(interval * time.Duration(n))
		if err := until(ctx, due); err != nil {
			return nil, err
		}
		requests.Go(func() {
			patch := client.RawPatch(types.MergePatchType, []byte(body(app, n)))
			errs[n] = c.Patch(ctx, app.DeepCopy(), patch, client.DryRunAll)
			took[n] = time.Since(due)
		})
	}
	requests.Wait()
	failed := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(failed) > 0 {
		return nil, fmt.Errorf("%d of %d failed: %w", len(failed), len(took), failed[0])
	}
	return took, nil
}

// until waits for a moment, or for the end of the context, which is an error.
func until(ctx context.Context, due time.Time) error {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// report shows both sides and what the webhook adds.
func report(both [2][]time.Duration) {
	for side, name := range []string{"through the webhook", "without it"} {
		fmt.Printf("  %-19s median %6.2f ms, p99 %6.2f ms\n", name, at(both[side], 50), at(both[side], 99))
	}
	fmt.Printf("  %-19s median %6.2f ms, p99 %6.2f ms\n", "added",
		at(both[0], 50)-at(both[1], 50), at(both[0], 99)-at(both[1], 99))
}

// at is a percentile in milliseconds.
func at(all []time.Duration, percent int) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return float64(sorted[len(sorted)*percent/100].Microseconds()) / 1000
}
