package manager

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/todoapp-operator/todoapp-operator/internal/appmetrics"
)

// TestFiguresLastAsLongAsTheManager: a replica that no longer leads must not go on showing what it saw last.
func TestFiguresLastAsLongAsTheManager(t *testing.T) {
	shown := func() bool {
		series, err := testutil.GatherAndCount(ctrlmetrics.Registry, "todoapp_webhook_certificate_expiry_timestamp_seconds")
		if err != nil {
			t.Fatal(err)
		}
		return series > 0
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- figures{appmetrics.Certificate(time.Now), false}.Start(ctx) }()
	deadline, ticker := time.After(10*time.Second), time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !shown() {
		select {
		case <-deadline:
			t.Fatal("the manager runs and its figures are not shown")
		case <-ticker.C:
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if shown() {
		t.Error("the manager has ended and its figures are still shown")
	}
}
