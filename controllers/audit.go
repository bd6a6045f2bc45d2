package controllers

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// The log is the audit trail of signing keys: it outlives Events. It shows versions and never a value.

// logTransition writes a line for each key that a step was about.
func logTransition(ctx context.Context, step keyring.Step) {
	for _, version := range step.Versions {
		log.FromContext(ctx).Info("key "+strings.ToLower(string(step.Action)), "version", version)
	}
}

// logRetired writes a line for each key that the backend no longer trusts because its time is over.
func logRetired(ctx context.Context, versions []int64) {
	for _, version := range versions {
		log.FromContext(ctx).Info("key retired", "version", version)
	}
}

// logNotice writes what the owner must know before keys change in a way that no policy asks for.
func logNotice(ctx context.Context, notice assessment) {
	log.FromContext(ctx).Info("keys change without being asked to", "reason", notice.reason, "message", notice.message)
}

// wasBlocked reports whether an earlier condition KeysInSync told of a blocker, rather than of a notice.
func wasBlocked(before *metav1.Condition) bool {
	return before != nil && before.Status == metav1.ConditionFalse &&
		before.Reason != todov1.ReasonKeyringRestored && before.Reason != todov1.ReasonKeysLost
}

// logConditions writes a line for each condition whose status or reason is new, for each blocker whose message is new, and at
// verbosity 1 what a rotation waits for.
func logConditions(ctx context.Context, app *todov1.TodoApp, p *plan, status todov1.TodoAppStatus) {
	logger := log.FromContext(ctx)
	for _, now := range status.Conditions {
		before := meta.FindStatusCondition(app.Status.Conditions, now.Type)
		switch {
		case now.Type == todov1.ConditionKeysInSync && p.blocker != nil && (before == nil || before.Message != now.Message):
			logger.Info("blocked", "reason", now.Reason, "message", now.Message)
		case before != nil && before.Status == now.Status && before.Reason == now.Reason:
			continue
		case now.Type == todov1.ConditionKeysInSync && wasBlocked(before):
			logger.Info("no longer blocked", "reason", before.Reason)
		case now.Status == metav1.ConditionTrue:
			logger.Info("condition holds", "condition", now.Type, "reason", now.Reason)
		default:
			logger.Info("condition fails", "condition", now.Type, "reason", now.Reason, "message", now.Message)
		}
	}
	if len(p.step.Waiting) > 0 {
		logger.V(1).Info("waiting", "phase", p.step.Phase, "for", strings.Join(p.step.Waiting, ", "))
	}
}
