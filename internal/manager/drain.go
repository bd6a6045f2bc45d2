package manager

import (
	"context"
	"time"
)

// drainFor is how long a manager goes on after it was told to end. Until then API servers learn that its pod leaves, and
// send what is to be admitted elsewhere.
const drainFor = 5 * time.Second

// lingering ends a while after the context does.
func lingering(ctx context.Context, while time.Duration) context.Context {
	later, end := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(while, end) })
	return later
}
