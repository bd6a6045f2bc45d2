package httpapi

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxLimiters limits the memory of one generation of limiters.
const maxLimiters = 50_000

// limits holds a token bucket for each recent subject. Buckets live in two generations: a bucket that was not used for a
// whole generation is full again, so it can be forgotten.
type limits struct {
	rate       rate.Limit
	burst      int
	generation time.Duration

	mu              sync.Mutex
	born            time.Time
	current, former map[string]*rate.Limiter
}

// newLimits returns nil, which limits nothing, for a rate of 0.
func newLimits(perSecond float64) *limits {
	if perSecond <= 0 {
		return nil
	}
	burst := math.Ceil(perSecond)
	return &limits{
		rate: rate.Limit(perSecond), burst: int(burst),
		generation: time.Duration(burst / perSecond * float64(time.Second)),
		current:    map[string]*rate.Limiter{},
	}
}

// wait takes one request from the subject's bucket, or returns how long the subject has to wait for it.
func (l *limits) wait(subject string, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	bucket := l.bucket(subject, now)
	if bucket.AllowN(now, 1) { // a cancelled reservation is lost if another one follows it
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return max(time.Duration(missing/float64(l.rate)*float64(time.Second)), 1)
}

func (l *limits) bucket(subject string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.born) >= l.generation || len(l.current) >= maxLimiters {
		l.former, l.current, l.born = l.current, map[string]*rate.Limiter{}, now
	}
	bucket := l.current[subject]
	if bucket == nil {
		bucket = l.former[subject]
	}
	if bucket == nil {
		bucket = rate.NewLimiter(l.rate, l.burst)
	}
	l.current[subject] = bucket
	return bucket
}
