package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// purgePause is the average pause between two purges.
const purgePause = 10 * time.Minute

// newStore returns a store with this engine, and purges expired attempts until it is closed.
func newStore(engine engine, options Options) *Store {
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{engine: engine, now: options.Now, report: options.Report, stop: stop}
	s.purging.Go(func() { s.purge(ctx) })
	return s
}

// purge removes expired attempts until the context ends. Its pauses are random, so that replicas do not purge at the same time.
func (s *Store) purge(ctx context.Context) {
	for pause(ctx, purgePause/2+rand.N(purgePause)) == nil {
		for some := true; some; {
			var err error
			if some, err = s.forget(ctx); err != nil && ctx.Err() == nil {
				s.report(err) // the next purge deletes the rest
			}
		}
	}
}

// forget deletes some of the expired attempts, and reports whether there were any.
func (s *Store) forget(ctx context.Context) (some bool, err error) {
	var purged int64
	if err := s.engine.free(ctx, into(&purged, countRows), s.engine.sql().purge, s.clock().Add(-remembered)); err != nil {
		return false, fmt.Errorf("purging expired attempts: %w", err)
	}
	return purged > 0, nil
}
