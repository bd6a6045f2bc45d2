package manager

import (
	"context"
	"net/http"
	"time"

	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
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

// drainingServer ends connections with their next answer once the manager is to end. API servers keep connections, and
// where one is closed with a request already on its way, an admission fails.
type drainingServer struct {
	ctrlwebhook.Server
	ending <-chan struct{}
}

// Register implements webhook.Server.
func (s drainingServer) Register(path string, hook http.Handler) {
	s.Server.Register(path, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		select {
		case <-s.ending:
			w.Header().Set("Connection", "close")
		default:
		}
		hook.ServeHTTP(w, q)
	}))
}
