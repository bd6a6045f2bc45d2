package manager

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

func TestConnectionsEndOnceTheManagerIsToEnd(t *testing.T) {
	ending := make(chan struct{})
	inner := ctrlwebhook.NewServer(ctrlwebhook.Options{WebhookMux: http.NewServeMux()})
	drainingServer{inner, ending}.Register("/hook", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	}))
	ask := func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		inner.WebhookMux().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hook", nil))
		return answer
	}
	if got := ask(); got.Code != http.StatusAccepted || got.Header().Get("Connection") != "" {
		t.Errorf("while it runs: %d, Connection %q", got.Code, got.Header().Get("Connection"))
	}
	close(ending)
	if got := ask(); got.Code != http.StatusAccepted || got.Header().Get("Connection") != "close" {
		t.Errorf("once it is to end: %d, Connection %q", got.Code, got.Header().Get("Connection"))
	}
}

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
