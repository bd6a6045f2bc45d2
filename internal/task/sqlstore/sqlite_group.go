package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

const (
	// mostWrites and longestGroup bound a group: the writes after it wait for one commit more.
	mostWrites   = 128
	longestGroup = 10 * time.Millisecond
)

// errAbandoned is the error of a write whose group ended in a panic. The panic goes on in the goroutine that committed.
var errAbandoned = fmt.Errorf("%w: the commit was abandoned", task.ErrUnavailable)

// pendingWrite is a write that waits for its commit.
type pendingWrite struct {
	ctx context.Context
	// run runs the statements. It runs again if the transaction before was rolled back.
	run func(*sqliteConn) error
	// several is set if run has several statements, which need a transaction if the write is alone.
	several bool
	// deletes is set if the write may use the reserve's space.
	deletes bool
	// done is closed when the write is committed or has failed with err.
	done chan struct{}
	err  error
	// taken is set when the write has left the queue.
	taken bool
}

// writeQueue holds the writes that wait, in the order in which they came.
type writeQueue struct {
	mu      sync.Mutex
	waiting []*pendingWrite
}

func (q *writeQueue) push(w *pendingWrite) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
}

// pop takes the first write, and reports whether others wait behind it. It returns nil if the queue is empty.
func (q *writeQueue) pop() (first *pendingWrite, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil, false
	}
	first = q.waiting[0]
	first.taken = true
	q.waiting = slices.Delete(q.waiting, 0, 1)
	return first, len(q.waiting) > 0
}

// withdraw removes the write, and reports whether it was still in the queue.
func (q *writeQueue) withdraw(w *pendingWrite) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.taken {
		return false
	}
	i := slices.Index(q.waiting, w)
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// submit returns when the write is committed or has failed. The callers themselves commit: the caller that gets the
// writer's connection commits for all that wait, so a write that is alone waits for no other goroutine.
func (s *sqlite) submit(w *pendingWrite) error {
	w.done = make(chan struct{})
	s.queue.push(w)
	for {
		conn, err := s.writer.lend(w.ctx, w.done)
		switch {
		case err == nil:
			s.commitWaiting(conn)
		case s.queue.withdraw(w):
			return sqliteError(w.ctx, err)
		default: // its group is being committed, or was
			<-w.done
			return w.err
		}
	}
}

// commitWaiting commits the writes that wait, and answers them.
func (s *sqlite) commitWaiting(conn *sqliteConn) {
	defer s.writer.giveBack(conn)
	var group []*pendingWrite
	defer func() {
		for _, w := range group { // none, except in a panic
			w.answer(errAbandoned)
		}
	}()
	first, more := s.queue.pop()
	if first == nil {
		return
	}
	group = append(group, first)
	if more {
		err := s.runGroup(conn, &group)
		s.settle(conn, group, err)
	} else {
		first.err = s.runAlone(conn, first)
	}
	for _, w := range group {
		w.answer(w.err)
	}
	if len(group) > 1 {
		// Lets these callers queue their next writes. Otherwise the next group would often be a single write.
		runtime.Gosched()
	}
	group = nil
}

// cancelled stores the error of the caller's context, and reports whether there is one.
func (w *pendingWrite) cancelled() bool {
	w.err = w.ctx.Err()
	return w.err != nil
}

// answer ends the wait of the write's caller.
func (w *pendingWrite) answer(err error) {
	w.err = err
	close(w.done)
}

// runGroup runs the first write and those that wait in one transaction, and commits it. Each write has an error of its own;
// the error returned is that of the transaction, of which then nothing is left.
func (s *sqlite) runGroup(conn *sqliteConn, group *[]*pendingWrite) error {
	return conn.transaction(func() error {
		began := time.Now()
		for {
			w := (*group)[len(*group)-1]
			if err := conn.runWithin(w); err != nil {
				return err
			}
			if len(*group) == mostWrites || time.Since(began) > longestGroup {
				return nil
			}
			next, _ := s.queue.pop()
			if next == nil {
				return nil
			}
			*group = append(*group, next)
		}
	})
}

// runWithin runs a write in a savepoint of the transaction. If the write fails or its caller went away, it rolls back to the
// savepoint. It returns an error only if the whole transaction is lost.
func (c *sqliteConn) runWithin(w *pendingWrite) error {
	if w.cancelled() {
		return nil
	}
	if err := c.run(skipRows, `SAVEPOINT one_write`); err != nil {
		return fmt.Errorf("setting savepoint: %w", err)
	}
	if w.err = w.run(c); w.err == nil && w.cancelled() {
		w.err = fmt.Errorf("caller went away before the commit: %w", w.err)
	}
	if c.GetAutocommit() { // some errors roll back the whole transaction
		return w.err
	}
	if w.err != nil {
		if err := c.run(skipRows, `ROLLBACK TO one_write`); err != nil {
			return fmt.Errorf("rolling back to savepoint: %w", err)
		}
	}
	return c.run(skipRows, `RELEASE one_write`)
}

// settle gives each write of a group its outcome. If there was no space, each write runs again alone: small tasks may fit,
// and a delete may use the reserve.
func (s *sqlite) settle(conn *sqliteConn, group []*pendingWrite, lost error) {
	full, freed := s.outOfSpace(lost, len(group)), false
	for _, w := range group {
		away := errors.Is(w.err, context.Canceled) || errors.Is(w.err, context.DeadlineExceeded)
		switch {
		case !away && (full || s.outOfSpace(w.err, 1)):
			w.err = s.runAlone(conn, w)
		case !away && lost != nil:
			w.err = sqliteError(w.ctx, lost)
		default:
			w.err = sqliteError(w.ctx, w.err)
			freed = freed || w.deletes && w.err == nil
		}
	}
	if freed {
		s.refill(conn)
	}
}

// runAlone runs a write that is committed by itself. If there is no space, it runs again after it has freed some: a delete
// takes the reserve's, another write the write-ahead log's.
func (s *sqlite) runAlone(conn *sqliteConn, w *pendingWrite) error {
	if w.cancelled() {
		return sqliteError(w.ctx, w.err)
	}
	run := func() error { return w.run(conn) }
	if w.several {
		run = func() error { return conn.transaction(func() error { return w.run(conn) }) }
	}
	err := run()
	if s.outOfSpace(err, 1) {
		if w.deletes && s.reserve.release() || !w.deletes && conn.emptyLog() == nil {
			err = run()
		}
	}
	err = s.writeError(w.ctx, err) // now: the next write may free space
	if err == nil && w.deletes {
		s.refill(conn)
	}
	return err
}
