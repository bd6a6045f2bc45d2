// Package sqlstore keeps tasks in SQLite or in a server that speaks PostgreSQL's protocol.
package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// remembered is the time for which an attempt is remembered; see task.Attempt.
const remembered = 24 * time.Hour

// Options tune a store; the zero value is good for production.
type Options struct {
	// Now is the clock that dates tasks; nil is time.Now.
	Now func() time.Time
	// Report is called with errors that fail no call. It may be nil.
	Report func(error)
}

// Stats describes the connections of a store at one moment.
type Stats struct {
	// InUse connections run a call, Idle ones wait for one; Max is the most there can be of both.
	InUse, Idle, Max int
	// Waits counts the calls so far that found every connection in use.
	Waits int64
}

// engine runs statements on one kind of database, whose rows a scan reads. Its errors are of the kinds of package task.
type engine interface {
	// read runs a statement that changes nothing.
	read(ctx context.Context, scan scan, sql string, args ...any) error
	// write runs a statement and commits it. If ctx ends while the statement waits or runs, nothing may be written; if ctx ends
	// later, the statement is committed.
	write(ctx context.Context, scan scan, sql string, args ...any) error
	// free runs a statement that deletes, which works while the volume is full.
	free(ctx context.Context, scan scan, sql string, args ...any) error
	// room reports whether a volume that was full has space again.
	room() bool
	// claim creates a task and remembers the attempt, both or neither. If an attempt since expiry has taken the key, it
	// does nothing and returns nil.
	claim(ctx context.Context, created created, expiry time.Time) (*task.Task, error)
	ping(ctx context.Context) error
	stats() Stats
	close() error
	// sql returns the statements in the database's dialect.
	sql() *statements
}

// created is a task to create, with the attempt that it belongs to.
type created struct {
	owner   string // as ownerKey gives it
	draft   task.Draft
	attempt task.Attempt
	at      time.Time
}

// Store is a task.Store; see Open.
type Store struct {
	engine engine
	now    func() time.Time
	report func(error)
	// full is set after a write found no space, until a write succeeds or the volume has space again.
	full atomic.Bool
	// purging runs until stop is called.
	purging sync.WaitGroup
	stop    context.CancelFunc
}

var _ task.Store = (*Store)(nil)

// List implements task.Store.
func (s *Store) List(ctx context.Context, owner string, filter task.Filter) (task.Page, error) {
	sql, count := s.engine.sql().list, s.engine.sql().count
	args, countArgs := []any{ownerKey(owner), filter.Limit, filter.Offset}, []any{ownerKey(owner)}
	if filter.Completed != nil {
		sql, count = s.engine.sql().listState, s.engine.sql().countState
		args, countArgs = append(args, *filter.Completed), append(countArgs, *filter.Completed)
	}
	var page task.Page
	err := s.engine.read(ctx, into(&page, readPage), sql, args...)
	if err == nil && len(page.Tasks) == 0 && filter.Offset > 0 {
		// Past the end no row carries the total, which cannot be more than the offset then.
		err = s.engine.read(ctx, into(&page.Total, readCount), count, countArgs...)
		page.Total = min(page.Total, int64(filter.Offset))
	}
	if err != nil {
		return task.Page{}, fmt.Errorf("listing tasks: %w", err)
	}
	for i := range page.Tasks {
		page.Tasks[i].Owner = owner
	}
	return page, nil
}

// Get implements task.Store.
func (s *Store) Get(ctx context.Context, owner string, id int64) (task.Task, error) {
	var found *task.Task
	if err := s.engine.read(ctx, into(&found, readTask), s.engine.sql().get, ownerKey(owner), id); err != nil {
		return task.Task{}, fmt.Errorf("getting task: %w", err)
	}
	return owned(found, owner)
}

// Update implements task.Store.
func (s *Store) Update(ctx context.Context, owner string, id int64, change task.Change, match task.Match) (task.Task, error) {
	if change.Empty() {
		return s.matching(ctx, owner, id, match)
	}
	var completed any
	if change.Completed != nil {
		completed = *change.Completed
	}
	return s.write(ctx, "updating task", s.changing, s.engine.sql().update, owner, id, match,
		s.clock(), change.Title, change.Description.Set, change.Description.Value, completed)
}

// Toggle implements task.Store.
func (s *Store) Toggle(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	return s.write(ctx, "toggling task", s.changing, s.engine.sql().toggle, owner, id, match, s.clock())
}

// Delete implements task.Store.
func (s *Store) Delete(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	return s.write(ctx, "deleting task", s.engine.free, s.engine.sql().remove, owner, id, match)
}

// statement runs SQL that changes tasks.
type statement func(ctx context.Context, scan scan, sql string, args ...any) error

// write runs a statement on one task of the owner. If it changes none, write finds out why.
func (s *Store) write(
	ctx context.Context, doing string, run statement, sql, owner string, id int64, match task.Match, args ...any,
) (task.Task, error) {
	var revisions []int64
	if match.Only {
		revisions = append([]int64{}, match.Revisions...) // never nil, which would accept all
	}
	var changed *task.Task
	err := run(ctx, into(&changed, readTask), sql, append([]any{ownerKey(owner), id, revisions}, args...)...)
	if err != nil {
		return task.Task{}, fmt.Errorf("%s: %w", doing, err)
	}
	if changed == nil && match.Only {
		if _, err := s.Get(ctx, owner, id); err != nil {
			return task.Task{}, err
		}
		return task.Task{}, task.ErrMismatch
	}
	return owned(changed, owner)
}

// changing runs a statement that needs space, and notes whether there was any.
func (s *Store) changing(ctx context.Context, scan scan, sql string, args ...any) error {
	err := s.engine.write(ctx, scan, sql, args...)
	s.noteSpace(err)
	return err
}

// noteSpace remembers whether a write found the volume full.
func (s *Store) noteSpace(err error) {
	switch {
	case err == nil:
		s.full.Store(false)
	case errors.Is(err, task.ErrFull):
		s.full.Store(true)
	}
}

// matching answers an update without a field: it changes nothing.
func (s *Store) matching(ctx context.Context, owner string, id int64, match task.Match) (task.Task, error) {
	found, err := s.Get(ctx, owner, id)
	if err == nil && !match.Accepts(found.Revision) {
		return task.Task{}, task.ErrMismatch
	}
	return found, err
}

// Ping implements task.Store.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.engine.ping(ctx); err != nil {
		return fmt.Errorf("pinging task store: %w", err)
	}
	if !s.full.Load() {
		return nil
	}
	if !s.engine.room() {
		return task.ErrFull
	}
	s.full.Store(false)
	return nil
}

// Stats describes the store's connections now.
func (s *Store) Stats() Stats { return s.engine.stats() }

// Close implements task.Store.
func (s *Store) Close() error {
	s.stop()
	s.purging.Wait()
	if err := s.engine.close(); err != nil {
		return fmt.Errorf("closing task store: %w", err)
	}
	return nil
}

// clock returns the time as it is stored, in microseconds.
func (s *Store) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// owned returns the task with its owner, or ErrNotFound if there is no task.
func owned(found *task.Task, owner string) (task.Task, error) {
	if found == nil {
		return task.Task{}, task.ErrNotFound
	}
	found.Owner = owner
	return *found, nil
}
