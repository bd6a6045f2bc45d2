package sqlstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// purgeable is an engine that can only purge.
type purgeable struct {
	engine
	// answer returns how many attempts a purge deletes.
	answer func(context.Context) (blankRows, error)
	closed bool
}

func (*purgeable) sql() *statements { return &sqliteStatements }

func (p *purgeable) free(ctx context.Context, scan scan, _ string, _ ...any) error {
	deleted, err := p.answer(ctx)
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
		var reported []error
		purges, batches := 0, 3
		some := func(context.Context) (blankRows, error) {
			purges++
			batches = max(batches-1, -1)
			return blankRows(min(batches+1, 1)), nil
		}
		engine := &purgeable{answer: some}
		store := newStore(engine, Options{Now: time.Now, Report: func(err error) { reported = append(reported, err) }})
		pass := func(while time.Duration) { // on the clock of the bubble
			time.Sleep(while)
			synctest.Wait()
		}
		if pass(purgePause/2 - 1); purges != 0 {
			t.Errorf("%d purges without a pause", purges)
		}
		if pass(purgePause); purges < 4 {
			t.Errorf("%d purges of three batches", purges)
		}
		engine.answer = func(context.Context) (blankRows, error) { return 0, errors.New("stuck") }
		if pass(purgePause * 3 / 2); len(reported) == 0 || !strings.Contains(reported[0].Error(), "stuck") {
			t.Errorf("reported %v", reported)
		}
		reported, purges, engine.answer = nil, 0, some
		if pass(purgePause * 3 / 2); purges == 0 {
			t.Error("a failure has ended the purging")
		}
		asked := false
		engine.answer = func(ctx context.Context) (blankRows, error) {
			asked = true
			<-ctx.Done()
			if engine.closed {
				t.Error("the engine was closed under a purge")
			}
			return 0, ctx.Err()
		}
		pass(purgePause * 3 / 2)
		if err := store.Close(); err != nil || !asked || !engine.closed || len(reported) > 0 {
			t.Errorf("closed with %v, reported %v, asked %t, closed %t", err, reported, asked, engine.closed)
		}
	})
}
