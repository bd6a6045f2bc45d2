package controllers

import (
	"cmp"
	"errors"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

const (
	// firstPoll is the shortest time until a pod is asked again, lastPoll the longest.
	firstPoll = 200 * time.Millisecond
	lastPoll  = 30 * time.Second
	// storePoll is how often pods of the embedded API are asked for the state of their store, whose change is no event.
	storePoll = 2 * time.Minute
)

// result returns when to requeue. Objects that the API server rejected are retried at the maximum backoff, because a quota or
// policy may change. Foreign objects are polled, because the cache holds only objects with the app's label.
func result(p *plan, applyErr, statusErr error) (ctrl.Result, error) {
	if err := errors.Join(retryable(applyErr), statusErr); err != nil {
		return ctrl.Result{}, err
	}
	due, latest := p.due(), longestBackoff
	if isForeign(applyErr) {
		latest = lastPoll
	}
	if applyErr != nil && (due == 0 || due > latest) {
		due = latest
	}
	return ctrl.Result{RequeueAfter: due}, nil
}

// due returns how soon to requeue if nothing changes before; zero for never.
func (p *plan) due() time.Duration {
	if p.blocker != nil {
		return lastPoll
	}
	poll := p.poll()
	if poll == 0 || p.step.DueIn == 0 {
		return cmp.Or(poll, p.step.DueIn)
	}
	return min(poll, p.step.DueIn)
}

// poll returns how soon to read again what changes without an event; zero for never.
func (p *plan) poll() time.Duration {
	switch {
	case len(p.awaited)+len(p.step.Waiting) > 0 && p.paused:
		return lastPoll
	case len(p.awaited)+len(p.step.Waiting) > 0:
		return pollInterval(lastChange(p.step.Ring), p.observed.now)
	case p.step.Held:
		return lastPoll // Rotations enqueues the app sooner
	case p.observed.podsStuck() || p.observed.podsUnready() || p.observed.storesLimited():
		return lastPoll
	case len(p.observed.answers) > 0:
		return storePoll
	default:
		return 0
	}
}

// pollInterval returns how soon to ask pods again that have not given the expected answer: often at first, and less often the
// longer ago the ring has changed. The result is bounded even if the clock was set back.
func pollInterval(changed, now time.Time) time.Duration {
	return min(max(firstPoll, now.Sub(changed).Abs()/4), lastPoll)
}

// lastChange returns the latest time at which a key of a ring changed its state.
func lastChange(ring keyring.Ring) time.Time {
	var last time.Time
	for _, k := range ring.Keys {
		for _, moment := range []time.Time{k.CreatedAt, k.PromotedAt, k.DemotedAt, k.RevokedAt} {
			if moment.After(last) {
				last = moment
			}
		}
	}
	return last
}

// retryable removes from the errors of an apply the ones about a rejected or a foreign object: a retry changes nothing. The owner
// finds them in the status, and they are not counted as failures of the operator.
func retryable(err error) error {
	return errors.Join(slices.DeleteFunc(failuresOf(err), func(e error) bool {
		return apierrors.IsInvalid(e) || apierrors.IsBadRequest(e) || isForeign(e)
	})...)
}

// failuresOf returns the errors that apply has joined.
func failuresOf(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok || errors.Is(err, errNotStored):
		return []error{err}
	default:
		return slices.Clone(joined.Unwrap())
	}
}

// longestBackoff bounds the time between two reconciles of an app that fails.
const longestBackoff = time.Minute

// backoff returns the rate limiter of apps that fail. The time between two reconciles grows to a minute at most, so that an
// owner who has corrected the cause soon sees it. The alert TodoAppReconcileErrors relies on the minute.
func backoff() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](5*time.Millisecond, longestBackoff)
}
