package sqlstore_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

const (
	benchOwners = 50
	benchTasks  = 200 // of each owner
)

// BenchmarkStore has 32 callers on two cores: go test -bench Store -cpu 2 -run '^$'.
func BenchmarkStore(b *testing.B) {
	for kind, url := range bothURLs(b) {
		store := openStore(b, url)
		fill(b, store)
		var turn atomic.Int64
		for name, call := range map[string]func(ctx context.Context, n int64) error{
			"list": func(ctx context.Context, n int64) error {
				page, err := store.List(ctx, benchOwner(n), task.Filter{Limit: 50})
				if err == nil && len(page.Tasks) != 50 {
					err = fmt.Errorf("listed %d", len(page.Tasks))
				}
				return err
			},
			"get": func(ctx context.Context, n int64) error {
				id := n%(benchOwners*benchTasks) + 1
				_, err := store.Get(ctx, benchOwner(id), id)
				return err
			},
			"create": func(ctx context.Context, _ int64) error {
				_, err := store.Create(ctx, "another", task.Draft{Title: "new"}, task.Attempt{})
				return err
			},
			"create-once": func(ctx context.Context, n int64) error {
				_, err := store.Create(ctx, "another", task.Draft{Title: "new"}, task.Attempt{Key: fmt.Sprint(n)})
				return err
			},
		} {
			b.Run(name+"/"+kind, func(b *testing.B) { inParallel(b, func(ctx context.Context) error { return call(ctx, turn.Add(1)) }) })
		}
	}
}

func inParallel(b *testing.B, call func(context.Context) error) {
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		ctx, done := context.WithCancel(b.Context()) // a server's context can be cancelled, too
		defer done()
		for pb.Next() {
			if err := call(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchOwner(n int64) string { return fmt.Sprint("owner-", n%benchOwners) }

func fill(b *testing.B, store task.Store) {
	description := "two litres, and whatever else is missing from the list on the fridge"
	for n := range int64(benchOwners * benchTasks) {
		draft := task.Draft{Title: "Buy milk and bread", Description: &description, Completed: n%3 == 0}
		if _, err := store.Create(b.Context(), benchOwner(n+1), draft, task.Attempt{}); err != nil {
			b.Fatal(err)
		}
	}
}
