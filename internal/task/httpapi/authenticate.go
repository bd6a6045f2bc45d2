package httpapi

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// authenticate sets the identity of the call, or returns a 401.
func (a *API) authenticate(c *call) error {
	now := a.Now()
	identity, err := authn.Authenticate(c.r.Header["Authorization"], a.Keys(), a.Policy, now)
	if err == nil {
		c.identity = identity
		a.Observer.Accepted(identity.KeyVersion, now)
		a.audit(c, "", identity, "")
		return nil
	}
	var refusal *authn.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	a.Observer.Refused(refusal.Reason)
	a.audit(c, refusal.Reason, authn.Identity{Subject: refusal.Subject, KeyVersion: refusal.KeyVersion}, "")
	challenge := "Bearer"
	if refusal.Presented() {
		challenge = `Bearer error="invalid_token"`
	}
	return &problem{
		status: http.StatusUnauthorized, detail: refusal.Answer(),
		header: http.Header{"Www-Authenticate": {challenge}},
	}
}

// authorize admits a subject to its own tasks only, and limits its rate.
func (a *API) authorize(c *call, segments []string) error {
	if segments[1] != c.identity.Subject {
		a.Observer.Refused(authn.Foreign)
		a.audit(c, authn.Foreign, c.identity, segments[1])
		return &problem{status: http.StatusForbidden, detail: "these tasks belong to another user"}
	}
	if wait := a.limits.wait(c.identity.Subject, a.Now()); wait > 0 {
		return &problem{
			status: http.StatusTooManyRequests, detail: "too many requests",
			header: http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}},
		}
	}
	if len(segments) > 3 {
		c.task = segments[3]
	}
	return nil
}
