package sqlstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// purgeable is an engine that nothing is asked of but to purge.
type purgeable struct {
	engine
	// answer is given to each purge.
	answer func(context.Context) (task.Page, error)
	closed bool
}

func (*purgeable) sql() *statements { return &sqliteStatements }

func (p *purgeable) free(ctx context.Context, _ string, _ ...any) (task.Page, error) {
	return p.answer(ctx)
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
		some := func(context.Context) (task.Page, error) {
			purges++
			batches = max(batches-1, -1)
			return task.Page{Total: min(int64(batches)+1, 1)}, nil
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
		engine.answer = func(context.Context) (task.Page, error) { return task.Page{}, errors.New("stuck") }
		if pass(purgePause * 3 / 2); len(reported) == 0 || !strings.Contains(reported[0].Error(), "stuck") {
			t.Errorf("reported %v", reported)
		}
		reported, purges, engine.answer = nil, 0, some
		if pass(purgePause * 3 / 2); purges == 0 {
			t.Error("a failure has ended the purging")
		}
		asked := false
		engine.answer = func(ctx context.Context) (task.Page, error) {
			asked = true
			<-ctx.Done()
			if engine.closed {
				t.Error("the engine was closed under a purge")
			}
			return task.Page{}, ctx.Err()
		}
		pass(purgePause * 3 / 2)
		if err := store.Close(); err != nil || !asked || !engine.closed || len(reported) > 0 {
			t.Errorf("closed with %v, reported %v, asked %t, closed %t", err, reported, asked, engine.closed)
		}
	})
}
