package httpapi

import (
	"context"
	"log/slog"
	"strings"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// longestRequested limits the recorded part of the user ID in a path, which may have 64 KiB.
const longestRequested = 256

// audit records one decision. Requested is the user ID of the path if the request is for another user's tasks.
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
