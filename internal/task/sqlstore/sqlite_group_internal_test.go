package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// group queues writes while the test holds the writer's connection, so that they are committed together.
type group struct {
	*testing.T
	engine *sqlite
	conn   *sqliteConn
	calls  sync.WaitGroup
	queued int
}

func hold(t *testing.T, store *Store) *group {
	t.Helper()
	engine := store.engine.(*sqlite)
	conn, err := engine.writer.lend(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &group{T: t, engine: engine, conn: conn}
}

// add starts a call and waits until its write is in the queue.
func (g *group) add(call func()) {
	g.Helper()
	g.queued++
	g.calls.Go(call)
	await(g.T, fmt.Sprint(g.queued, " writes wait"), func() bool { return g.engine.waiting() == g.queued })
}

// commit lets one of the calls commit, and waits for all of them.
func (g *group) commit() {
	g.engine.writer.giveBack(g.conn)
	g.calls.Wait()
}

func (s *sqlite) waiting() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.waiting)
}

// await ends the test if a condition does not come true within ten seconds.
func await(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !met(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

// outcome is the result of a call in a group.
type outcome struct {
	task task.Task
	err  error
}

func (g *group) addCreate(ctx context.Context, store *Store, title string, attempt task.Attempt) *outcome {
	g.Helper()
	got := &outcome{}
	g.add(func() { got.task, got.err = store.Create(ctx, "ann", task.Draft{Title: title}, attempt) })
	return got
}

// addRaw adds a write that inserts a task and then calls then.
func (g *group) addRaw(ctx context.Context, title string, then func(*sqliteConn) error) *error {
	g.Helper()
	failure := new(error)
	run := func(conn *sqliteConn) error {
		err := conn.run(skipRows, sqliteStatements.insert, "ann", title, nil, false, time.Now())
		return errors.Join(err, then(conn))
	}
	g.add(func() { *failure = g.engine.submit(&pendingWrite{ctx: ctx, run: run, several: true}) })
	return failure
}

func titles(t *testing.T, store *Store) string {
	t.Helper()
	page, err := store.List(t.Context(), "ann", task.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, found := range page.Tasks {
		all = append(all, found.Title)
	}
	return strings.Join(all, " ")
}

func TestAGroupIsCommittedOnceAndEachWriteHasItsOwnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a group then ends by its writes alone, however slow the machine is
		store, _, commits := openOnSlowDisk(t, 0)
		old, err := store.Create(t.Context(), "ann", task.Draft{Title: "old"}, task.Attempt{})
		if err != nil {
			t.Fatal(err)
		}
		before := commits.Load()
		g := hold(t, store)
		key := task.Attempt{Key: "key"}
		once, again := g.addCreate(t.Context(), store, "once", key), g.addCreate(t.Context(), store, "once", key)
		differs := g.addCreate(t.Context(), store, "differs", task.Attempt{Key: "key", Fingerprint: [32]byte{1}})
		overflow := func(conn *sqliteConn) error { return conn.run(skipRows, `SELECT abs(-9223372036854775808)`) }
		broken := g.addRaw(t.Context(), "broken", overflow)
		ctx, leave := context.WithCancel(t.Context())
		left := g.addRaw(ctx, "left", func(*sqliteConn) error { leave(); return nil })
		match := task.Match{Only: true, Revisions: []int64{1}}
		var first, second, gone outcome
		g.add(func() { first.task, first.err = store.Toggle(t.Context(), "ann", old.ID, match) })
		g.add(func() { second.task, second.err = store.Toggle(t.Context(), "ann", old.ID, match) })
		g.add(func() { gone.task, gone.err = store.Delete(t.Context(), "ann", 99, task.Match{}) })
		last := g.addCreate(t.Context(), store, "last", task.Attempt{})
		g.commit()

		if got := commits.Load() - before; got != 1 {
			t.Errorf("%d commits", got)
		}
		if once.err != nil || again.err != nil || once.task.ID != again.task.ID || first.err != nil || last.err != nil {
			t.Errorf("of those that succeed: %+v, %+v, %+v, %+v", once, again, first, last)
		}
		if first.task.Revision != 2 || !errors.Is(second.err, task.ErrMismatch) || !errors.Is(gone.err, task.ErrNotFound) {
			t.Errorf("toggled to %+v, the second %v, deleting another %v", first.task, second.err, gone.err)
		}
		if !errors.Is(differs.err, task.ErrAttemptDiffers) || *broken == nil || !errors.Is(*left, context.Canceled) {
			t.Errorf("another body: %v, a broken write: %v, of a caller who went away: %v", differs.err, *broken, *left)
		}
		if got := titles(t, store); got != "last once old" {
			t.Errorf("stored: %s", got)
		}
	})
}

// TestACallerWhoGoesAwayBeforeTheGroupWritesNothing, and is answered at once.
func TestACallerWhoGoesAwayBeforeTheGroupWritesNothing(t *testing.T) {
	store, _ := openFile(t)
	g := hold(t, store)
	ctx, leave := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() {
		_, err := store.Create(ctx, "ann", task.Draft{Title: "left"}, task.Attempt{})
		answered <- err
	}()
	await(t, "a write waits", func() bool { return g.engine.waiting() == 1 })
	leave()
	if err := <-answered; !errors.Is(err, context.Canceled) || g.engine.waiting() != 0 {
		t.Errorf("answered %v, %d wait", err, g.engine.waiting())
	}
	g.addCreate(t.Context(), store, "stays", task.Attempt{})
	g.commit()
	if got := titles(t, store); got != "stays" {
		t.Errorf("stored: %s", got)
	}
}

// TestACommitThatFailsFailsItsGroup, and the next group is committed.
func TestACommitThatFailsFailsItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a group then ends by its writes alone, however slow the machine is
		store, disk, _ := openOnSlowDisk(t, 0)
		g := hold(t, store)
		var results []*outcome
		for i := range 5 {
			results = append(results, g.addCreate(t.Context(), store, fmt.Sprint(i), task.Attempt{}))
		}
		disk.fails.Store(true)
		g.commit()
		for i, got := range results {
			if !errors.Is(got.err, task.ErrUnavailable) || errors.Is(got.err, task.ErrFull) || !errors.Is(got.err, sqlite3.IOERR) {
				t.Errorf("write %d: %v", i, got.err)
			}
		}
		disk.fails.Store(false)
		if _, err := store.Create(t.Context(), "ann", task.Draft{Title: "after"}, task.Attempt{}); err != nil {
			t.Error(err)
		}
		if got := titles(t, store); got != "after" {
			t.Errorf("stored: %s", got)
		}
	})
}

// TestAGroupWithoutSpaceKeepsWhatFits has the file grow to its limit within a group.
func TestAGroupWithoutSpaceKeepsWhatFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a group then ends by its writes alone, however slow the machine is
		store, _, _ := openOnSlowDisk(t, 0)
		doomed, err := store.Create(t.Context(), "ann", task.Draft{Title: "doomed"}, task.Attempt{})
		if err != nil {
			t.Fatal(err)
		}
		g := hold(t, store)
		if err := g.conn.Exec(`PRAGMA max_page_count=20`); err != nil {
			t.Fatal(err)
		}
		large := strings.Repeat("x", 20*4096)
		var big, removed outcome
		small := g.addCreate(t.Context(), store, "small", task.Attempt{})
		g.add(func() {
			big.task, big.err = store.Create(t.Context(), "ann", task.Draft{Title: "big", Description: &large}, task.Attempt{Key: "big"})
		})
		g.add(func() { removed.task, removed.err = store.Delete(t.Context(), "ann", doomed.ID, task.Match{}) })
		also := g.addCreate(t.Context(), store, "also", task.Attempt{Key: "also"})
		g.commit()
		if small.err != nil || also.err != nil || removed.err != nil || !errors.Is(big.err, task.ErrFull) {
			t.Errorf("small %v and %v, delete %v, big %v", small.err, also.err, removed.err, big.err)
		}
		if got := titles(t, store); got != "also small" {
			t.Errorf("stored: %s", got)
		}
	})
}

// TestAGroupThatDeletesFillsTheReserveAgain, as a delete alone does.
func TestAGroupThatDeletesFillsTheReserveAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a group then ends by its writes alone, however slow the machine is
		store, path := openFile(t)
		made, err := store.Create(t.Context(), "ann", task.Draft{Title: "deleted"}, task.Attempt{})
		if err != nil {
			t.Fatal(err)
		}
		g := hold(t, store)
		if !g.engine.reserve.release() {
			t.Fatal("there is no reserve")
		}
		g.addCreate(t.Context(), store, "new", task.Attempt{})
		g.add(func() { _, err = store.Delete(t.Context(), "ann", made.ID, task.Match{}) })
		g.commit()
		info, missing := os.Stat(path + "-reserve")
		if err != nil || missing != nil || info.Size() != reserveSize {
			t.Errorf("deleted with %v; the reserve: %v, %v", err, info, missing)
		}
	})
}

// TestAPanicInAGroupLeavesNoCallerWaiting, and the connection is good for the next write.
func TestAPanicInAGroupLeavesNoCallerWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a group then ends by its writes alone, however slow the machine is
		store, _ := openFile(t)
		g := hold(t, store)
		panics := 0
		caught := func(call func() error) func() {
			return func() {
				defer func() {
					if recover() != nil {
						panics++ // of one goroutine
					}
				}()
				if err := call(); !errors.Is(err, task.ErrUnavailable) {
					t.Errorf("beside a panic: %v", err)
				}
			}
		}
		for range 3 {
			g.add(caught(func() error {
				_, err := store.Create(t.Context(), "ann", task.Draft{Title: "lost"}, task.Attempt{})
				return err
			}))
		}
		g.add(caught(func() error {
			return g.engine.submit(&pendingWrite{ctx: t.Context(), run: func(*sqliteConn) error { panic("in a statement") }})
		}))
		g.commit()
		g = hold(t, store)
		one, two := g.addCreate(t.Context(), store, "one", task.Attempt{}), g.addCreate(t.Context(), store, "two", task.Attempt{})
		g.commit()
		if got := titles(t, store); panics != 1 || one.err != nil || two.err != nil || got != "two one" {
			t.Errorf("%d panics, then %v and %v, stored: %s", panics, one.err, two.err, got)
		}
	})
}

// TestAGroupIsBounded: more writes than a group takes need more commits.
func TestAGroupIsBounded(t *testing.T) {
	store, _, commits := openOnSlowDisk(t, 0)
	before := commits.Load()
	g := hold(t, store)
	for i := range 2*mostWrites + 1 {
		g.addCreate(t.Context(), store, fmt.Sprint(i), task.Attempt{})
	}
	g.commit()
	if got := commits.Load() - before; got < 3 {
		t.Errorf("%d commits", got)
	}
	g = hold(t, store)
	before = commits.Load()
	slow := func(*sqliteConn) error { <-time.After(2 * longestGroup); return nil }
	one, two := g.addRaw(t.Context(), "slow", slow), g.addRaw(t.Context(), "next", func(*sqliteConn) error { return nil })
	g.commit()
	if got := commits.Load() - before; got != 2 || *one != nil || *two != nil {
		t.Errorf("%d commits with a slow write, %v, %v", got, *one, *two)
	}
}

// TestClosingAnswersTheWritesThatWait: none of them is stored, and the one under way is.
func TestClosingAnswersTheWritesThatWait(t *testing.T) {
	store, path := openFile(t)
	engine := store.engine.(*sqlite)
	begun, end := make(chan struct{}), make(chan struct{})
	var underWay error
	var calls sync.WaitGroup
	calls.Go(func() {
		underWay = engine.submit(&pendingWrite{ctx: t.Context(), run: func(conn *sqliteConn) error {
			close(begun)
			<-end
			return conn.run(skipRows, sqliteStatements.insert, "ann", "under way", nil, false, time.Now())
		}})
	})
	<-begun
	waiting := make([]error, 8)
	for i := range waiting {
		calls.Go(func() { _, waiting[i] = store.Create(t.Context(), "ann", task.Draft{Title: "waits"}, task.Attempt{}) })
	}
	await(t, "writes wait", func() bool { return engine.waiting() == len(waiting) })
	closed := make(chan error)
	go func() { closed <- store.Close() }()
	await(t, "the waiting writes are answered", func() bool { return engine.waiting() == 0 })
	close(end)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	calls.Wait()
	for _, err := range waiting {
		if !errors.Is(err, errClosed) {
			t.Errorf("a write that waited: %v", err)
		}
	}
	reopened, err := Open(t.Context(), "sqlite://"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reopened.Close() }()
	if got := titles(t, reopened); underWay != nil || got != "under way" {
		t.Errorf("the write under way: %v; stored: %s", underWay, got)
	}
}

// TestManyWritersShareTheSyncsOfASlowDisk: a sync takes 2 ms, as on the volumes of a cloud.
func TestManyWritersShareTheSyncsOfASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock moves on during a sync only, after every writer has queued its write
		store, _, commits := openOnSlowDisk(t, 2*time.Millisecond)
		perCommit := func(writers, writes int) float64 {
			before := commits.Load()
			var running sync.WaitGroup
			for range writers {
				running.Go(func() {
					for range writes {
						if _, err := store.Create(t.Context(), "ann", task.Draft{Title: "x"}, task.Attempt{}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			running.Wait()
			return float64(writers*writes) / float64(commits.Load()-before)
		}
		if got := perCommit(1, 20); got != 1 {
			t.Errorf("one writer: %.1f writes a commit", got)
		}
		got := perCommit(32, 20)
		t.Logf("32 writers: %.1f writes a commit", got)
		if got < 15 {
			t.Errorf("32 writers: %.1f writes a commit, want 15", got)
		}
	})
}
