package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// turn is how long one of the two is updated before the other has its turn. What each turn found is a figure of its own, and
// the median turn counts: other processes disturb some turns much and others not at all.
const turn = 2 * time.Second

// latencies are how long the answers of one turn took.
type latencies []time.Duration

// alternate updates one of the two after the other, for a turn each, at a steady rate. A turn begins when the last answer
// of the one before has come.
func alternate(ctx context.Context, c client.Client, apps [2]*todov1.TodoApp, body func(*todov1.TodoApp, int) string,
	rate float64, duration time.Duration) ([2][]latencies, error) {
	var turns [2][]latencies
	for range max(1, duration/turn) {
		for side, app := range apps {
			took, err := steadily(ctx, rate, func(n int) error {
				patch := client.RawPatch(types.MergePatchType, []byte(body(app, n)))
				return c.Patch(ctx, app.DeepCopy(), patch, client.DryRunAll)
			})
			if err != nil {
				return turns, fmt.Errorf("updating %s: %w", client.ObjectKeyFromObject(app), err)
			}
			turns[side] = append(turns[side], took)
		}
	}
	return turns, nil
}

// readSecret is what one look for a Secret takes by itself.
func readSecret(ctx context.Context, c client.Client, secret client.ObjectKey, rate float64, duration time.Duration,
) ([]latencies, error) {
	var turns []latencies
	for range max(1, duration/turn) {
		took, err := steadily(ctx, rate, func(int) error { return c.Get(ctx, secret, &corev1.Secret{}) })
		if err != nil {
			return nil, fmt.Errorf("reading Secret %s: %w", secret, err)
		}
		turns = append(turns, took)
	}
	return turns, nil
}

// steadily asks for a turn, at a steady rate, and returns how long each answer took, from when its request was due. Of the
// requests that failed, the first says why.
func steadily(ctx context.Context, rate float64, ask func(n int) error) (latencies, error) {
	interval := time.Duration(float64(time.Second) / rate)
	took := make(latencies, max(1, turn/interval))
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
			errs[n] = ask(n)
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
func report(both [2][]latencies) {
	show("through the webhook", at(both[0], 50), at(both[0], 99))
	show("without it", at(both[1], 50), at(both[1], 99))
	show("added", at(both[0], 50)-at(both[1], 50), at(both[0], 99)-at(both[1], 99))
}

// show is a line of a report, in milliseconds.
func show(what string, median, p99 float64) {
	fmt.Printf("  %-19s median %6.2f ms, p99 %6.2f ms\n", what, median, p99)
}

// at is a percentile of the median turn, in milliseconds.
func at(turns []latencies, percent int) float64 {
	var each []time.Duration
	for _, turn := range turns {
		each = append(each, slices.Sorted(slices.Values(turn))[len(turn)*percent/100])
	}
	return float64(slices.Sorted(slices.Values(each))[len(each)/2].Microseconds()) / 1000
}
