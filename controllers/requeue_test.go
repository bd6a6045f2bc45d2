package controllers

import (
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// TestAnAppThatFailsIsTriedEveryMinute counts the reconciles of half an hour: as many as the test of the alert
// TodoAppReconcileErrors assumes.
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

// TestWhatIsRefusedIsTriedAgain checks that a rejected object is no error, and is retried because a policy may change.
func TestWhatIsRefusedIsTriedAgain(t *testing.T) {
	invalid := fmt.Errorf("applying: %w", apierrors.NewInvalid(schema.GroupKind{Kind: "Deployment"}, "todo-backend", nil))
	gone := errors.New("the API server is away")
	for name, c := range map[string]struct {
		apply, status error
		due, after    time.Duration
		fails         bool
	}{
		"all is written":            {nil, nil, 0, 0, false},
		"all is written until then": {nil, nil, time.Hour, time.Hour, false},
		"refused":                   {invalid, nil, 0, time.Minute, false},
		"refused until then":        {invalid, nil, time.Hour, time.Minute, false},
		"refused, and pods are due": {invalid, nil, time.Second, time.Second, false},
		"refused by a policy":       {apierrors.NewBadRequest("no"), nil, 0, time.Minute, false},
		"refused, no status":        {invalid, gone, 0, 0, true},
		"the API server's failure":  {gone, nil, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := result(&plan{observed: &snapshot{}, step: keyring.Step{DueIn: c.due}}, c.apply, c.status)
			if result.RequeueAfter != c.after || (err != nil) != c.fails {
				t.Errorf("after %s, error %v", result.RequeueAfter, err)
			}
		})
	}
}

func TestPolling(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		0: firstPoll, 8 * time.Second: 2 * time.Second, time.Hour: lastPoll, -time.Hour: lastPoll,
	} {
		if got := pollInterval(time.Time{}.Add(2*time.Hour), time.Time{}.Add(2*time.Hour+after)); got != want {
			t.Errorf("%s after the keys have changed: every %s, want %s", after, got, want)
		}
	}
}

// TestAFullStoreIsAskedSoon checks that a store which is full or fails is asked every 30 s, and one that serves every 2 min.
func TestAFullStoreIsAskedSoon(t *testing.T) {
	for store, want := range map[string]time.Duration{
		"serving": storePoll, storeFull: lastPoll, storeFailing: lastPoll,
	} {
		p := &plan{observed: &snapshot{answers: answers{"pod": {store: store}}}}
		if got := p.due(); got != want {
			t.Errorf("%s: asked again after %s, expected %s", store, got, want)
		}
	}
}
