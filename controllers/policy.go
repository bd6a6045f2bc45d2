package controllers

import (
	"hash/fnv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// policyOf returns the key policy of an app's spec. The API server has filled in the defaults.
func policyOf(app *todov1.TodoApp) keyring.Policy {
	auth := app.Spec.Auth
	interval := ptr.Deref(auth.Rotation.Interval, metav1.Duration{}).Duration
	return keyring.Policy{
		Interval:          interval + share(app.UID, interval/10),
		RotateAfter:       ptr.Deref(auth.Rotation.RotateAfter, metav1.Time{}).Time,
		RevokeBefore:      ptr.Deref(auth.Rotation.RevokeBefore, metav1.Time{}).Time,
		KeepRevoked:       auth.Rotation.RevokedKeys == todov1.RevokedKeysKeepForDecryption,
		MaxLifetime:       ptr.Deref(auth.Tokens.MaxLifetime, metav1.Duration{}).Duration,
		Leeway:            ptr.Deref(auth.Tokens.Leeway, metav1.Duration{}).Duration,
		SessionLifetime:   ptr.Deref(app.Spec.Frontend.SessionLifetime, metav1.Duration{}).Duration,
		HandoverPeriod:    ptr.Deref(app.Spec.Frontend.HandoverPeriod, metav1.Duration{}).Duration,
		HistoryLimit:      int(ptr.Deref(auth.Rotation.HistoryLimit, 0)),
		ExternallySourced: auth.Source != nil,
	}
}

// share returns a part of a duration that depends on an app's UID, so that apps that were created together do not rotate together.
func share(uid types.UID, of time.Duration) time.Duration {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(uid))
	const steps = 1 << 10
	return of / steps * time.Duration(hash.Sum32()%steps)
}
