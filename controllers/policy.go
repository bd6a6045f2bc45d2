package controllers

import (
	"hash/fnv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/apimachinery/pkg/types"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// policyOf is what an app asks of its keys. The API server has filled in the defaults.
func policyOf(app *todov1.TodoApp) keyring.Policy {
	auth := app.Spec.Auth
	interval := duration(auth.Rotation.Interval)
	return keyring.Policy{
		Interval:          interval + share(app.UID, interval/10),
		RotateAfter:       moment(auth.Rotation.RotateAfter),
		RevokeBefore:      moment(auth.Rotation.RevokeBefore),
		KeepRevoked:       auth.Rotation.RevokedKeys == todov1.RevokedKeysKeepForDecryption,
		MaxLifetime:       duration(auth.Tokens.MaxLifetime),
		Leeway:            duration(auth.Tokens.Leeway),
		SessionLifetime:   duration(app.Spec.Frontend.SessionLifetime),
		HandoverPeriod:    duration(app.Spec.Frontend.HandoverPeriod),
		HistoryLimit:      int(number(auth.Rotation.HistoryLimit)),
		ExternallySourced: auth.Source != nil,
	}
}

// share is an app's own part of a duration, by its UID: a fleet of apps made together does not rotate together.
func share(uid types.UID, of time.Duration) time.Duration {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(uid))
	const steps = 1 << 10
	return of / steps * time.Duration(hash.Sum32()%steps)
}

func duration(d *metav1.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return d.Duration
}

func moment(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func number(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}
