package sqlstore

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// purgeable is an engine that can only purge.
type purgeable struct {
	engine
	// answer returns how many attempts a purge deletes.
	answer atomic.Value // func(context.Context) (blankRows, error)
	closed bool
}

func (*purgeable) sql() *statements { return &sqliteStatements }

func (p *purgeable) free(ctx context.Context, scan scan, _ string, _ ...any) error {
	deleted, err := p.answer.Load().(func(context.Context) (blankRows, error))(ctx)
	if err != nil {
		return err
	}
	return scan(&deleted)
}

func (p *purgeable) close() error {
	p.closed = true
	return nil
}

// TestPurgingGoesOnUntilTheStoreCloses: batch after batch, again after a pause, also after a failure, which is reported.
func TestPurgingGoesOnUntilTheStoreCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reported := make(chan error, 100)
		var purges, batches atomic.Int64
		batches.Store(3)
		some := func(context.Context) (blankRows, error) {
			purges.Add(1)
			return blankRows(min(max(batches.Add(-1)+1, 0), 1)), nil
		}
		engine := &purgeable{}
		engine.answer.Store(some)
		store := newStore(engine, Options{Now: time.Now, Report: func(err error) { reported <- err }})
		pass := func(while time.Duration) { // on the clock of the bubble
			time.Sleep(while)
			synctest.Wait()
		}
		if pass(purgePause/2 - 1); purges.Load() != 0 {
			t.Errorf("%d purges without a pause", purges.Load())
		}
		if pass(purgePause); purges.Load() < 4 {
			t.Errorf("%d purges of three batches", purges.Load())
		}
		engine.answer.Store(func(context.Context) (blankRows, error) { return 0, errors.New("stuck") })
		if pass(purgePause * 3 / 2); len(reported) == 0 || !strings.Contains((<-reported).Error(), "stuck") {
			t.Error("a failure is not reported")
		}
		purges.Store(0)
		engine.answer.Store(some)
		if pass(purgePause * 3 / 2); purges.Load() == 0 {
			t.Error("a failure has ended the purging")
		}
		before := len(reported)
		var asked atomic.Bool
		engine.answer.Store(func(ctx context.Context) (blankRows, error) {
			asked.Store(true)
			<-ctx.Done()
			if engine.closed {
				t.Error("the engine was closed under a purge")
			}
			return 0, ctx.Err()
		})
		pass(purgePause * 3 / 2)
		if err := store.Close(); err != nil || !asked.Load() || !engine.closed || len(reported) > before {
			t.Errorf("closed with %v, %d reports, asked %t, closed %t", err, len(reported)-before, asked.Load(), engine.closed)
		}
	})
}
