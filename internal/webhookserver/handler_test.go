package webhookserver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bodyWithoutEnd counts what is read of it.
type bodyWithoutEnd struct{ read int }

func (b *bodyWithoutEnd) Read(p []byte) (int, error) {
	b.read += len(p)
	return len(p), nil
}

// server returns a server with one webhook at /hook, which is served behind the token alone.
func server(hook http.HandlerFunc) (*Server, chan struct{}) {
	ending := make(chan struct{})
	s := New(Options{
		Ending: ending, Serves: func(_ context.Context, path string) bool { return path == "/token/hook" },
	})
	s.Register("/hook", hook)
	return s, ending
}

func post(t *testing.T, handler http.Handler, path string, body io.Reader) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, body))
	return answer
}

func accept(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }

func TestOtherPathsAreNotFoundBeforeAnyReading(t *testing.T) {
	s, _ := server(accept)
	for _, path := range []string{"/", "/hook", "/other/hook", "/token", "/token/", "/token/other/hook", "//token/hook"} {
		body := &bodyWithoutEnd{}
		answer := post(t, s.handler(), path, body)
		if answer.Code != http.StatusNotFound || answer.Header().Get("Connection") != "close" || body.read > 0 {
			t.Errorf("%s: %d, Connection %q, %d bytes read", path, answer.Code, answer.Header().Get("Connection"), body.read)
		}
	}
	if answer := post(t, s.handler(), "/token/hook", strings.NewReader("{}")); answer.Code != http.StatusAccepted {
		t.Errorf("the served path: %d", answer.Code)
	}
}

func TestConnectionsEndOnceTheManagerIsToEnd(t *testing.T) {
	s, ending := server(accept)
	ask := func() *httptest.ResponseRecorder { return post(t, s.handler(), "/token/hook", nil) }
	if got := ask(); got.Code != http.StatusAccepted || got.Header().Get("Connection") != "" {
		t.Errorf("while it runs: %d, Connection %q", got.Code, got.Header().Get("Connection"))
	}
	close(ending)
	if got := ask(); got.Code != http.StatusAccepted || got.Header().Get("Connection") != "close" {
		t.Errorf("once it is to end: %d, Connection %q", got.Code, got.Header().Get("Connection"))
	}
}

func TestABodyIsReadToItsBound(t *testing.T) {
	var err error
	s, _ := server(func(_ http.ResponseWriter, q *http.Request) { _, err = io.Copy(io.Discard, q.Body) })
	body := &bodyWithoutEnd{}
	post(t, s.handler(), "/token/hook", body)
	if err == nil || body.read > maxBody+64<<10 {
		t.Errorf("%d bytes were read: %v", body.read, err)
	}
	large := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token/hook", &bodyWithoutEnd{})
	large.ContentLength = maxBody + 1
	answer := httptest.NewRecorder()
	if s.handler().ServeHTTP(answer, large); answer.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that says it is too large: %d", answer.Code)
	}
}

// Reviews of unknown size count as the largest: two have their turn, the third waits, and is told so in the end.
func TestReviewsAtOnceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, _ := server(func(http.ResponseWriter, *http.Request) { <-release })
		handler := s.handler()
		codes := make(chan int)
		for range bodies/maxBody + 1 {
			go func() { codes <- post(t, handler, "/token/hook", &bodyWithoutEnd{}).Code }()
		}
		begun := time.Now()
		if code := <-codes; code != http.StatusServiceUnavailable || time.Since(begun) != patience {
			t.Errorf("%d after %s", code, time.Since(begun))
		}
		close(release)
		for range bodies / maxBody {
			if code := <-codes; code != http.StatusOK {
				t.Errorf("one that had its turn: %d", code)
			}
		}
	})
}
