package manager

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestLingering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		later := lingering(ctx, drainFor)
		cancel()
		asked := time.Now()
		<-later.Done()
		if took := time.Since(asked); took != drainFor {
			t.Errorf("it ended after %s", took)
		}
	})
}
