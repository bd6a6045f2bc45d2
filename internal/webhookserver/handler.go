package webhookserver

import (
	"context"
	"net/http"
	"path"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// maxBody is the size of the largest review: two objects of 3 MB, as the API server bounds them, and what surrounds them.
	maxBody = 7 << 20
	// bodies is how many bytes of reviews are decoded at once, of large reviews and of small ones each. A decoded review takes
	// about ten times its size. Almost all reviews are small, and never wait for large ones.
	bodies = 2 * maxBody
	// smallBody is the size of the largest small review.
	smallBody = 256 << 10
	// minBody is counted for smaller reviews. It bounds the number of small reviews at once to bodies/minBody, which is 448.
	minBody = 32 << 10
	// patience is how long a review waits for its turn. The API server gives up a second later.
	patience = 4 * time.Second
	// reviewTimeout is how long a review may read and ask. The API server has given up by then.
	reviewTimeout = 6 * time.Second
)

// handler answers reviews at served paths, a bounded number at once, and everything else with 404.
func (s *Server) handler() http.Handler {
	small, large := semaphore.NewWeighted(bodies), semaphore.NewWeighted(bodies)
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !s.options.Serves(q.Context(), q.URL.Path) {
			w.Header().Set("Connection", "close")
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		trustConnection(q.Context())
		select {
		case <-s.options.Ending:
			w.Header().Set("Connection", "close")
		default:
		}
		size := q.ContentLength
		if size < 0 {
			size = maxBody
		}
		if size > maxBody {
			http.Error(w, "the review is too large", http.StatusRequestEntityTooLarge)
			return
		}
		turns := large
		if size = max(size, minBody); size <= smallBody {
			turns = small
		}
		waiting, cancel := context.WithTimeout(q.Context(), patience)
		defer cancel()
		if turns.Acquire(waiting, size) != nil {
			http.Error(w, "too many reviews at once", http.StatusServiceUnavailable)
			return
		}
		defer turns.Release(size)
		ctx, cancelReview := context.WithTimeout(q.Context(), reviewTimeout)
		defer cancelReview()
		q = q.Clone(ctx)
		q.URL.Path = "/" + path.Base(q.URL.Path)
		q.Body = http.MaxBytesReader(w, q.Body, maxBody)
		s.WebhookMux().ServeHTTP(w, q)
	})
}
