package controllers

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestAnAppThatFailsIsTriedEveryMinute, and soon at first: within half an hour as often as the test of the alert
// TodoAppReconcileErrors says.
func TestAnAppThatFailsIsTriedEveryMinute(t *testing.T) {
	limiter, tries, longest := backoff(), 0, time.Duration(0)
	for at := time.Duration(0); at < 30*time.Minute; tries++ {
		wait := limiter.When(reconcile.Request{})
		at += wait
		longest = max(longest, wait)
	}
	if tries != 43 || longest != time.Minute {
		t.Errorf("%d tries within half an hour, %s apart at most", tries, longest)
	}
}
