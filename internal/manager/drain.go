package manager

import (
	"context"
	"time"
)

// drainFor is how long a manager runs after it received the signal to stop. In this time API servers learn that its pod is
// going, and call another replica.
const drainFor = 5 * time.Second

// lingering returns a context that ends a given time after another.
func lingering(ctx context.Context, while time.Duration) context.Context {
	later, end := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(while, end) })
	return later
}
