package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// purgePause is about how long expired attempts may stay until they are looked for again.
const purgePause = 10 * time.Minute

// newStore makes a store of an engine, and purges what has expired in it until it is closed.
func newStore(engine engine, options Options) *Store {
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{engine: engine, now: options.Now, report: options.Report, stop: stop}
	s.purging.Go(func() { s.purge(ctx) })
	return s
}

// purge removes expired attempts until the context ends. Replicas that started together do not stay together.
func (s *Store) purge(ctx context.Context) {
	for pause(ctx, purgePause/2+rand.N(purgePause)) == nil {
		for some := true; some; {
			var err error
			if some, err = s.forget(ctx); err != nil && ctx.Err() == nil {
				s.report(err) // what it leaves the next one takes
			}
		}
	}
}

// forget removes some of the attempts that have expired, and says whether there were any.
func (s *Store) forget(ctx context.Context) (some bool, err error) {
	page, err := s.engine.free(ctx, s.engine.sql().purge, s.clock().Add(-remembered))
	if err != nil {
		return false, fmt.Errorf("purging expired attempts: %w", err)
	}
	return page.Total > 0, nil
}
