package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// authenticate finds out who sent the request.
func (a *API) authenticate(c *call) error {
	identity, err := authn.Authenticate(c.r.Header["Authorization"], a.Keys(), a.Policy, a.Now())
	if err == nil {
		c.identity = identity
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

// authorize lets a subject into its own part of the tree only, and there not too often.
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

// longestRequested is how much of the user id of a path is recorded: a path may be as long as 64 KiB.
const longestRequested = 256

// audit records one decision. Requested is the user id of the path, where another's was asked for.
func (a *API) audit(c *call, reason authn.Reason, identity authn.Identity, requested string) {
	if a.Audit == nil || reason == "" && !a.AuditAccepted {
		return
	}
	decision := "accepted"
	if reason != "" {
		decision = "refused"
	}
	attributes := []slog.Attr{
		slog.String("decision", decision), slog.String("method", c.r.Method), slog.String("route", routeOf(c.r)),
		slog.String("client", a.Proxies.Client(c.r)), slog.String("request_id", c.id),
	}
	if reason != "" {
		attributes = append(attributes, slog.String("reason", string(reason)))
	}
	if identity.KeyVersion != 0 {
		attributes = append(attributes, slog.Int64("key_version", identity.KeyVersion))
	}
	if identity.Subject != "" {
		attributes = append(attributes, slog.String("subject", identity.Subject))
	}
	if requested != "" {
		cut := strings.ToValidUTF8(requested[:min(len(requested), longestRequested)], "\ufffd")
		attributes = append(attributes, slog.String("user_id", cut))
	}
	a.Audit.LogAttrs(context.Background(), slog.LevelInfo, "authentication", attributes...)
}
