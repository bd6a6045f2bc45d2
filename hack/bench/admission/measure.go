package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// alternate updates each of the two at a steady rate, by turns, and returns how long each answer took, from when its
// request was due.
func alternate(ctx context.Context, c client.Client, apps [2]*todov1.TodoApp, body func(*todov1.TodoApp, int) string,
	rate float64, duration time.Duration) ([2][]time.Duration, error) {
	interval := time.Duration(float64(time.Second) / rate)
	pairs := int(duration / interval)
	var took [2][]time.Duration
	var errs [2][]error
	for i := range apps {
		took[i], errs[i] = make([]time.Duration, pairs), make([]error, pairs)
	}
	var requests sync.WaitGroup
	defer requests.Wait()
	begin := time.Now()
	for n := range pairs {
		for turn := range apps {
			side := (turn + n) % 2 // each comes first as often as the other
			due := begin.Add(interval * time.Duration(2*n+turn) / 2)
			if err := until(ctx, due); err != nil {
				return took, err
			}
			requests.Go(func() {
				patch := client.RawPatch(types.MergePatchType, []byte(body(apps[side], n)))
				errs[side][n] = c.Patch(ctx, apps[side].DeepCopy(), patch, client.DryRunAll)
				took[side][n] = time.Since(due)
			})
		}
	}
	requests.Wait()
	return took, errors.Join(errors.Join(errs[0]...), errors.Join(errs[1]...))
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
	added := make([]time.Duration, len(both[0]))
	for n := range added {
		added[n] = both[0][n] - both[1][n]
	}
	for _, one := range []struct {
		name string
		all  []time.Duration
	}{{"through the webhook", both[0]}, {"without it", both[1]}, {"difference in a pair", added}} {
		fmt.Printf("  %-21s median %6.2f ms, p99 %6.2f ms\n", one.name, at(one.all, 50), at(one.all, 99))
	}
	fmt.Printf("  %-21s median %6.2f ms, p99 %6.2f ms\n", "added",
		at(both[0], 50)-at(both[1], 50), at(both[0], 99)-at(both[1], 99))
}

// at is a percentile in milliseconds.
func at(all []time.Duration, percent int) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return float64(sorted[len(sorted)*percent/100].Microseconds()) / 1000
}
