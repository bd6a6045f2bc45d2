package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/sqlstore"
	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/volume"
)

// fillUp creates tasks until the store is full, and returns their IDs.
func fillUp(t *testing.T, store task.Store) (ids []int64) {
	t.Helper()
	long := strings.Repeat("x", 2000)
	for i := range 100_000 {
		made, err := store.Create(t.Context(), "ann", task.Draft{Title: fmt.Sprint("task ", i), Description: &long}, task.Attempt{})
		if errors.Is(err, task.ErrFull) {
			return ids
		}
		if err != nil {
			t.Fatalf("task %d: %v", i, err)
		}
		ids = append(ids, made.ID)
	}
	t.Fatal("the volume is never full")
	return nil
}

// isFull checks what a full store promises: it says so, and it reads.
func isFull(t *testing.T, store task.Store, id int64) {
	t.Helper()
	if err := store.Ping(t.Context()); !errors.Is(err, task.ErrFull) || !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("a full store pings with %v", err)
	}
	if _, err := store.Get(t.Context(), "ann", id); err != nil {
		t.Errorf("reading a full store: %v", err)
	}
}

// TestDeletesPassOnAFullVolume: every task can be deleted, one after the other, and then there is room for new ones.
func TestDeletesPassOnAFullVolume(t *testing.T) {
	for _, size := range []string{"3m", "24m"} {
		t.Run(size, func(t *testing.T) {
			folder, inside := volume.Mount(t, size)
			if !inside {
				return
			}
			store := openStore(t, "sqlite://"+filepath.Join(folder, "tasks.db"))
			ids := fillUp(t, store)
			isFull(t, store, ids[0])
			for _, id := range ids {
				if _, err := store.Delete(t.Context(), "ann", id, task.Match{}); err != nil {
					t.Fatalf("deleting task %d of %d on a full volume: %v", id, len(ids), err)
				}
			}
			if err := store.Ping(t.Context()); err != nil {
				t.Errorf("with room again: %v", err)
			}
			if again := fillUp(t, store); len(again) < len(ids)/2 {
				t.Errorf("%d tasks fit at first, %d afterwards", len(ids), len(again))
			}
		})
	}
}

// TestTheReserveIsForDeletesAlone: something else fills the volume, and tasks are created and deleted by turns.
func TestTheReserveIsForDeletesAlone(t *testing.T) {
	folder, inside := volume.Mount(t, "40m")
	if !inside {
		return
	}
	url := "sqlite://" + filepath.Join(folder, "tasks.db")
	store := openStore(t, url)
	for i := range 50 {
		create(t, store, fmt.Sprint("task ", i))
	}
	volume.UseUp(t, filepath.Join(folder, "other"))
	ids := fillUp(t, store)
	isFull(t, store, 1)
	for id := range int64(50) {
		if _, err := store.Delete(t.Context(), "ann", id+1, task.Match{}); err != nil {
			t.Fatalf("deleting task %d: %v", id+1, err)
		}
		fillUp(t, store)
	}
	for _, id := range ids {
		if _, err := store.Delete(t.Context(), "ann", id, task.Match{}); err != nil {
			t.Fatalf("deleting task %d: %v", id, err)
		}
	}
	if err := os.Remove(filepath.Join(folder, "other")); err != nil {
		t.Fatal(err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestAFullVolumeStopsNoStart: the store opens and deletes after each restart, without a byte of free space.
func TestAFullVolumeStopsNoStart(t *testing.T) {
	folder, inside := volume.Mount(t, "24m")
	if !inside {
		return
	}
	url := "sqlite://" + filepath.Join(folder, "tasks.db")
	first := openStore(t, url)
	ids := fillUp(t, first)
	for round := range 3 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		volume.UseUp(t, filepath.Join(folder, fmt.Sprint("other", round)))
		next, err := sqlstore.Open(context.Background(), url, sqlstore.Options{})
		if err != nil {
			t.Fatalf("start %d on a full volume: %v", round, err)
		}
		if _, err := next.Delete(t.Context(), "ann", ids[round], task.Match{}); err != nil {
			t.Fatalf("deleting after start %d: %v", round, err)
		}
		first = next
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDeletesPassBesideCreatesOnAFullVolume commits them together: a create that finds no space does not fail a delete.
func TestDeletesPassBesideCreatesOnAFullVolume(t *testing.T) {
	folder, inside := volume.Mount(t, "24m")
	if !inside {
		return
	}
	store := openStore(t, "sqlite://"+filepath.Join(folder, "tasks.db"))
	ids := fillUp(t, store)
	isFull(t, store, ids[0])
	long := strings.Repeat("x", 2000)
	deleted := make(chan struct{})
	var creators, deleters sync.WaitGroup
	for range 4 {
		creators.Go(func() {
			for {
				select {
				case <-deleted:
					return
				default:
				}
				_, err := store.Create(t.Context(), "ann", task.Draft{Title: "new", Description: &long}, task.Attempt{})
				if err != nil && !errors.Is(err, task.ErrFull) {
					t.Errorf("creating on a full volume: %v", err)
				}
			}
		})
	}
	const deleting = 8
	for i := range deleting {
		deleters.Go(func() {
			for at := i; at < 100*deleting; at += deleting {
				if _, err := store.Delete(t.Context(), "ann", ids[at], task.Match{}); err != nil {
					t.Errorf("deleting task %d: %v", ids[at], err)
				}
			}
		})
	}
	deleters.Wait()
	close(deleted)
	creators.Wait()
	var left sync.WaitGroup
	for i := range deleting { // enough for the reserve and for new tasks, in groups of deletes alone
		left.Go(func() {
			for at := 100*deleting + i; at < len(ids); at += deleting {
				if _, err := store.Delete(t.Context(), "ann", ids[at], task.Match{}); err != nil {
					t.Errorf("deleting task %d: %v", ids[at], err)
				}
			}
		})
	}
	left.Wait()
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
