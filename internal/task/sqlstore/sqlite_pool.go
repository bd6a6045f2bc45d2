package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
)

// sqlitePool lends connections to one file. It lends the connection used last first, because its cache is the warmest.
type sqlitePool struct {
	open func() (*sqliteConn, error)
	// slots holds one entry for each connection that is lent.
	slots  chan struct{}
	closed chan struct{}

	mu    sync.Mutex
	idle  []*sqliteConn
	waits int64
}

var errClosed = fmt.Errorf("%w: it is closed", task.ErrUnavailable)

func newSQLitePool(size int, open func() (*sqliteConn, error)) *sqlitePool {
	return &sqlitePool{open: open, slots: make(chan struct{}, size), closed: make(chan struct{})}
}

// errDone is the error of a wait that ended because done was closed.
var errDone = errors.New("done without a connection")

// lend waits for a connection for a bounded time, or until done is closed; a nil done is never closed.
func (p *sqlitePool) lend(ctx context.Context, done <-chan struct{}) (*sqliteConn, error) {
	if err := p.wait(ctx, done); err != nil {
		return nil, err
	}
	if conn := p.take(); conn != nil {
		return conn, nil
	}
	conn, err := p.open()
	if err != nil {
		<-p.slots
		return nil, fmt.Errorf("opening connection: %w", err)
	}
	return conn, nil
}

// take returns an idle connection, or nil.
func (p *sqlitePool) take() *sqliteConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	conn := p.idle[last]
	p.idle = p.idle[:last]
	return conn
}

// wait takes a slot, for which it waits for a bounded time, or until done is closed.
func (p *sqlitePool) wait(ctx context.Context, done <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-done:
		return errDone
	case <-p.closed:
		return errClosed
	default:
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	p.mu.Lock()
	p.waits++
	p.mu.Unlock()
	timeout := time.NewTimer(acquireTimeout)
	defer timeout.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-done:
		return errDone
	case <-p.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout.C:
		return fmt.Errorf("%w: no connection became free within %s", task.ErrUnavailable, acquireTimeout)
	}
}

// giveBack ends the use of a lent connection.
func (p *sqlitePool) giveBack(conn *sqliteConn) {
	p.mu.Lock()
	p.idle = append(p.idle, conn)
	p.mu.Unlock()
	<-p.slots
}

// close waits for the lent connections and closes all of them.
func (p *sqlitePool) close() error {
	p.mu.Lock()
	select {
	case <-p.closed:
		p.mu.Unlock()
		return nil
	default:
	}
	close(p.closed)
	p.mu.Unlock()
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	var errs []error
	for _, conn := range p.idle {
		errs = append(errs, conn.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}

func (p *sqlitePool) stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{InUse: min(len(p.slots), cap(p.slots)), Idle: len(p.idle), Max: cap(p.slots), Waits: p.waits}
}
